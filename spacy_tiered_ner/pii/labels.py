"""What is asked of the model where `labels` does not say otherwise: categories that no rule can know."""

PII_LABELS = {
    "PERSON": {"prompts": ["person"], "threshold": 0.45},
    "TITLE": {"prompts": ["honorific title"], "threshold": 0.6},
    "ADDRESS": {"prompts": ["street address"], "threshold": 0.45},
    "LOCATION": {"prompts": ["location"], "threshold": 0.5},
    "ORGANIZATION": {"prompts": ["organization"], "threshold": 0.5},
    "NATIONALITY": {"prompts": ["nationality"], "threshold": 0.75},
    "JOB_TITLE": {"prompts": ["job title"], "threshold": 0.6},
    "DATE": {"prompts": ["date or time"], "threshold": 0.6},
}
