"""What export and host both know: models, manifests, data sources, errors, project paths. It imports no other room."""
