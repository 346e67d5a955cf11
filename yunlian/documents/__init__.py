"""The business documents, one family an app, one folder a document."""
