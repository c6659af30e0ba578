"""Returns all that the context says."""

import os


def handler(event, context):
    client = context.client_context
    remaining = context.get_remaining_time_in_millis()
    return {
        "attributes": sorted(vars(context)),
        "public": sorted(name for name in dir(context) if not name.startswith("_")),
        "type": type(context).__name__,
        "repr": repr(context),
        "aws_request_id": context.aws_request_id,
        "invoked_function_arn": context.invoked_function_arn,
        "function_name": context.function_name,
        "function_version": context.function_version,
        "memory_limit_in_mb": context.memory_limit_in_mb,
        "log_group_name": context.log_group_name,
        "log_stream_name": context.log_stream_name,
        "tenant_id": context.tenant_id,
        "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
        "client_context": client
        and {
            "custom": client.custom,
            "env": client.env,
            "client": client.client and {n: getattr(client.client, n) for n in client.client.__slots__},
        },
        "w3c": context.w3c(),
        "remaining is an int": type(remaining) is int,
        "remaining": "none" if remaining == 0 else "some" if remaining <= 60000 else "too much",
        "trace": os.environ.get("_X_AMZN_TRACE_ID"),
    }
