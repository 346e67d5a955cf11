"""What the enterprise has and owes: stock, costs, receivable, payable, funds and cash, each a fold of its entries."""
