"""What two enterprises tell each other, kind by kind (flows.md F5): both tables, for the documents there are.

buying      our purchase orders: placed, agreed, taken back; what the supplier answers
selling     our sales intentions made from them: accepted, refused, quoted; what the dealer answers
shipments   a stock-out here is a receipt notice there; a stock-in there signs the shipment here
payments    a payment there is a receipt to confirm here
withdrawals a shipment or a payment taken back: recalled, or with the partner's consent
opened      what is still open with a partner when a link is to be dissolved
progress    numbers, states and expected dates of what follows
catalogue   products and prices the upstream side offers
"""
