"""What customers see."""

from django.core.cache import cache
from django.http import HttpRequest, JsonResponse

from active_data_flow.connectors.cache import read_value


def price(request: HttpRequest, sku: str) -> JsonResponse:
    """A price, from the cache alone."""
    found = read_value(cache.get(f"price:{sku}"))
    return JsonResponse(found or {"error": f"there is no price of {sku}"}, status=200 if found else 404)
