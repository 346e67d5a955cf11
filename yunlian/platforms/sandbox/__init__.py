"""A server that behaves as the platforms do, offline: real paths, real refusals, encrypted callbacks, and a page.

`world` is the state and its snapshot, `faults` the switches, `callbacks` the deliveries, `platform` what a platform
brings along, `app` the ASGI application, `page/` the browser's side. It answers on loopback and calls only loopback.
"""
