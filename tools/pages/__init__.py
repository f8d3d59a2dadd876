"""What the documentation says of the code, made from the code: `make pages`.

`derived` knows every page, table and picture that is made; the other modules each make some of them.
"""
