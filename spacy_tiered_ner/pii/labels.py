"""What is asked of the model where `labels` does not say otherwise: categories that no rule can know."""

PII_LABELS = {
    "PERSON": {"prompts": ["person"], "threshold": 0.3},
    "ADDRESS": {"prompts": ["street address"], "threshold": 0.4},
    "LOCATION": {"prompts": ["location"], "threshold": 0.4},
    "ORGANIZATION": {"prompts": ["organization"], "threshold": 0.4},
    "NATIONALITY": {"prompts": ["nationality"], "threshold": 0.5},
    "JOB_TITLE": {"prompts": ["job title"], "threshold": 0.5},
    "DATE": {"prompts": ["date or time"], "threshold": 0.5},
    "DATE_OF_BIRTH": {"prompts": ["date of birth"], "threshold": 0.5},
}
