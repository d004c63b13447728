"""The API against its own OpenAPI document, with requests that fit the document and such that don't."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from django_project.setup import set_up_django

set_up_django()

from django.core.wsgi import get_wsgi_application  # noqa: E402

from active_data_flow.runtimes.heartbeat.api.ninja_api import make_api  # noqa: E402
from active_data_flow.runtimes.heartbeat.models import DataFlowRun, RejectedRecord  # noqa: E402

DOCUMENT = json.loads(json.dumps(make_api().get_openapi_schema(path_prefix="/adf/api/")))
OPERATIONS = [(method, path) for path, methods in DOCUMENT["paths"].items() for method in methods]
# whether a configuration makes a flow, and how deep JSON may be, is beyond what a schema can say
BEYOND_THE_SCHEMA = {
    "/adf/api/flows",
    "/adf/api/flows/{name}",
    "/adf/api/flows/{name}/checkpoint/rewind",
    "/adf/api/configurations/preview",
    "/adf/api/configurations/validate",
}
POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


def fuzz(api, method, path, examples):
    """Send requests; whatever the document does not foresee is an error."""
    api.make_flow()
    api.ok("post", "/flows/prices/run", status=202)
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.app = get_wsgi_application()
    operation = schema[path][method]
    known = {
        "name": "prices",
        "run_id": DataFlowRun.objects.get().run_id,
        "record_id": getattr(RejectedRecord.objects.first(), "pk", 1),
    }
    excluded = [positive_data_acceptance] if path in BEYOND_THE_SCHEMA else []
    headers = {"Authorization": f"Bearer {api.token('read', 'run', 'write')}"}
    phases = [Phase.explicit, Phase.generate]
    options = settings(max_examples=examples, phases=phases, suppress_health_check=list(HealthCheck))

    @options
    @given(case=operation.as_strategy(generation_mode=POSITIVE, headers=headers), is_known=st.booleans())
    def fitting(case, is_known):
        if is_known and case.path_parameters:
            case.path_parameters.update({key: known[key] for key in case.path_parameters.keys() & known.keys()})
        case.call_and_validate(excluded_checks=excluded)

    @options
    @given(case=operation.as_strategy(generation_mode=NEGATIVE, headers=headers))
    def unfitting(case):
        case.call_and_validate()

    fitting()
    if "requestBody" in DOCUMENT["paths"][path][method] or DOCUMENT["paths"][path][method]["parameters"]:
        unfitting()


@pytest.mark.parametrize(("method", "path"), OPERATIONS[::4])
def test_nothing_is_answered_that_the_document_does_not_foresee(sqlite_api, method, path):
    fuzz(sqlite_api, method, path, examples=3)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_nothing_is_answered_that_the_document_does_not_foresee_for_long(api, method, path):
    fuzz(api, method, path, examples=60)
