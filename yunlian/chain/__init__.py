"""The cloud chain 云链: signed messages between enterprises, and the documents that follow one another over them.

What depends on what, lowest first (protocol: docs of the chain, part A):

    envelope, body, hashpath, keys      pure: bytes, rules, digests, signatures
    models                              memberships, credentials, keys, links, lanes, outbox, inbox, threads
    membership, credentials, links      who may speak to whom
    sending                             queue, number, sign, send
    accepting                           judge a batch and store it
    applying                            one message of a thread: business call, state and receipt in one transaction
    messages, business                  which step sends what, which type calls which verb
    worker                              the loop over all enterprises
"""
