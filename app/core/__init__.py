"""The pure rooms: no sockets, no files, no clock, no asyncio; time comes in as an argument."""
