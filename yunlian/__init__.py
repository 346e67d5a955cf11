"""Yunlian 云链: business for brands, their branches and their dealers.

Imports point down, never up, and import-linter holds them to it::

    edge                settings, urls, commands: the only place that knows all the others
    portal | forms | directory
                        ordering for partners; forms drawn at run time; people from other platforms
    chain               enterprises joined by signed messages
    documents           one family per app, one folder per document
    ledgers             stock, receivable, payable, cash, funds
    masters             partners, products, prices, warehouses, accounts
    org                 enterprises, people, roles, sign-in
    kernel              the document engine; knows no business

    platforms           clients of the outside world; imports none of the above
"""
