"""A small web shop with pages, a login and a description of itself; it refuses what is wrong.

Every cart and order has an id of its own, so that a recording that is played again with the ids of
its first time is refused. Add here: what a shop does. Keep out: misbehaviour (http_target.py).
"""

import contextlib
import json
import re
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from perf_pipeline_tests.support.servers.serving import QuietHandler, serving

PASSWORD = "correct horse 7"
PRODUCTS = [{"id": 4711, "name": "Lamp"}, {"id": 4712, "name": "Chair"}]
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}


def _answer(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    return {str(status): {"description": "", "content": {"application/json": {"schema": schema}}}}


_PRODUCT = {"$ref": "#/components/schemas/Product"}
_CART = {"type": "object", "properties": {"cartId": {"type": "string"}}}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1"},
    "servers": [{"url": "/api"}],
    "security": [{"token": []}],
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "schemas": {
            "Product": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            },
            "Tree": {
                "type": "object",
                "required": ["left"],
                "properties": {"left": {"$ref": "#/components/schemas/Tree"}},
            },
        },
    },
    "paths": {
        "/products": {
            "get": {
                "operationId": "listProducts",
                "responses": _answer(200, {"type": "array", "items": _PRODUCT}),
            }
        },
        "/products/{id}": {
            "parameters": [_ID],
            "get": {"operationId": "showProduct", "responses": _answer(200, _PRODUCT)},
        },
        "/carts": {
            "post": {
                "operationId": "openCart",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["productId", "password"],
                                "properties": {
                                    "productId": {"type": "integer", "example": 4711},
                                    "password": {"type": "string", "example": "never-written"},
                                },
                            }
                        }
                    },
                },
                "responses": _answer(201, _CART),
            }
        },
        "/carts/{cartId}": {
            "parameters": [{**_ID, "name": "cartId"}],
            "delete": {"operationId": "dropCart", "responses": {"204": {"description": ""}}},
        },
        "/trees": {
            "post": {
                "operationId": "plantTree",
                "requestBody": {
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}
                    }
                },
                "responses": {"201": {"description": ""}},
            }
        },
        "/reports/{year}": {
            "get": {
                "parameters": [{**_ID, "name": "year"}],
                "responses": {"200": {"description": ""}},
            }
        },
    },
}


@dataclass(slots=True)
class Shop:
    """Hold a running shop.

    Attributes:
        base_url: where it listens.
        asked: how often it was asked, by method, path with its ids left out, and status.
    """

    base_url: str
    asked: Counter[str] = field(default_factory=Counter)
    tokens: set[str] = field(default_factory=set)
    carts: dict[str, int] = field(default_factory=dict)
    orders: set[str] = field(default_factory=set)


class _Handler(QuietHandler):
    protocol_version = "HTTP/1.1"
    shop: ClassVar[Shop]

    def do_GET(self) -> None:
        """Answer pages, lists and single things."""
        path = self.path.partition("?")[0]
        kind, _, key = path.removeprefix("/api/").partition("/")
        if path == "/openapi.json":
            self._tell(200, DESCRIPTION)
        elif path in {"/", "/style.css"}:
            self._tell(200, "<html>Shop</html>")
        elif path == "/api/products":
            self._tell(200, PRODUCTS)
        elif kind == "products":
            found = [product for product in PRODUCTS if str(product["id"]) == key]
            self._tell(200 if found else 404, found[0] if found else {})
        elif kind in {"carts", "orders"}:
            self._tell(200 if key in {*self.shop.carts, *self.shop.orders} else 404, {"key": key})
        else:
            self._tell(404, {})

    def do_POST(self) -> None:
        """Log in, open a cart, and take an order for one by who is logged in."""
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        given = json.loads(text or b"{}")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        made = f"{uuid.uuid4()}"
        if self.path == "/api/login":
            is_right = given.get("password") == PASSWORD
            self.shop.tokens |= {made} if is_right else set()
            self._tell(200 if is_right else 403, {"access_token": made}, cookie=f"sid={made}")
        elif self.path == "/api/carts":
            self.shop.carts[made] = given.get("productId", 0)
            self._tell(201, {"cartId": made})
        elif self.path == "/api/orders":
            is_right = token in self.shop.tokens and given.get("cart") in self.shop.carts
            self.shop.orders |= {made} if is_right else set()
            self._tell(201 if is_right else 403, {"order": {"number": made}})
        else:
            self._tell(404, {})

    def do_DELETE(self) -> None:
        """Drop a cart."""
        key = self.path.rpartition("/")[2]
        self._tell(204 if self.shop.carts.pop(key, None) is not None else 404, None)

    def _tell(self, status: int, answer: Any, cookie: str = "") -> None:
        path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", self.path.partition("?")[0])
        self.shop.asked[f"{self.command} {path} {status}"] += 1
        is_page = isinstance(answer, str)
        body = answer.encode() if is_page else json.dumps(answer).encode()
        body = b"" if status == 204 else body
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running_described_shop() -> Iterator[Shop]:
    """Run one in threads of this process."""

    class Bound(_Handler):
        """Serve this shop alone."""

    with serving(Bound) as base_url:
        Bound.shop = Shop(base_url)
        yield Bound.shop
