"""What a failed build says of memory: how much a program lacks on its board."""

import re

# GNU ld where a linker script states the sizes, and PlatformIO where its board's definition does.
_REGION = re.compile(r"region \W?(\w+)\W? overflowed by (\d+) bytes")
_CHECKED = re.compile(
    r"The (program|data) size \((\d+) bytes\) is greater than maximum allowed \((\d+) bytes\)"
)
# GNU ld for AVR counts data from 0x800000 on; RAM begins behind the registers, on the larger devices at 0x200.
_AVR = re.compile(r"address 0x(8[0-9a-f]{5}) of \S+ section \W?\.\w+\W? is not within region \W?data")
_AVR_RAM = re.compile(r"HARDWARE:.*?, (\d+(?:\.\d+)?)KB RAM")
_AVR_DATA = 0x800200
SMALLER = "take a board with more memory (boardproof targets), or a smaller model or input"


def overflow(log: str) -> str | None:
    """What is missing, as a clause; None where the build failed for another reason.

    Args:
        log: PlatformIO's output, with the linker's.
    """
    if regions := dict(_REGION.findall(log)):
        lacking = [f"{int(lacks):,} bytes of {_memory(name)}" for name, lacks in regions.items()]
        return f"{' and '.join(lacking)} are missing"
    if found := _CHECKED.search(log):
        lacks = int(found[2]) - int(found[3])
        return f"{lacks:,} bytes of {'flash' if found[1] == 'program' else 'RAM'} are missing"
    ends, has = _AVR.findall(log), _AVR_RAM.search(log)
    if ends and has:
        lacks = max(int(end, 16) for end in ends) - _AVR_DATA - round(float(has[1]) * 1024)
        return f"{lacks:,} bytes of RAM are missing"
    return None


def _memory(region: str) -> str:
    """Linker scripts call RAM `RAM`, `data` (AVR) or `dram0_0_seg` (ESP32), and flash much else."""
    return "RAM" if re.search(r"ram|data", region, re.IGNORECASE) and "irom" not in region else "flash"
