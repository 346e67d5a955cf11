"""Master data of the business: partners, products, units, price lists, warehouses, settlement accounts."""
