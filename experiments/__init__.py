"""The laboratory's side: campaign, ledger, MLflow, round folders, virtual lab, command line."""
