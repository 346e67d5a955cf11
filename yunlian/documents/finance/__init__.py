"""Money in and out: receipts from customers, payments to suppliers."""
