//! Who was let in, and what events say about it.

use serde_json::{Map, Value, json};
use std::fmt;

/// Whoever passed an authorizer. Its `Debug` shows no values: claims are personal.
#[derive(Clone, PartialEq)]
pub enum Caller {
    /// A Lambda authorizer let in.
    Lambda {
        /// Who it is; simple answers do not say.
        principal_id: Option<String>,
        /// What the authorizer said beside it: of REST APIs as text, see
        /// [`authorizer::Answers`](crate::authorizer::Answers).
        context: Map<String, Value>,
        /// How long the authorizer took; zero for a remembered decision.
        latency_ms: u64,
    },
    /// A token of a JWT authorizer of an HTTP API.
    Jwt {
        /// As events show them; see [`jwt::http_claims`](crate::jwt::http_claims).
        claims: Map<String, Value>,
        /// The token's scopes, if the route asks for any.
        scopes: Option<Vec<String>>,
    },
    /// A token of a Cognito user pool, before a REST API.
    Cognito {
        /// As events show them; see [`jwt::rest_claims`](crate::jwt::rest_claims).
        claims: Map<String, Value>,
    },
    /// Somebody who signed by SigV4.
    Iam(IamCaller),
}

/// Somebody who signed.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct IamCaller {
    /// `AKIA…`
    pub access_key: String,
    /// Twelve digits.
    pub account_id: String,
    /// `AIDA…`, or `AROA…:session`.
    pub user_id: String,
    /// `arn:aws:iam::123456789012:user/alice`
    pub user_arn: String,
    /// The organisation, if the account is in one.
    pub principal_org_id: Option<String>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Lambda { .. } => "Lambda",
            Self::Jwt { .. } => "Jwt",
            Self::Cognito { .. } => "Cognito",
            Self::Iam(_) => "Iam",
        };
        out.debug_struct(kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for IamCaller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("IamCaller").finish_non_exhaustive()
    }
}

impl Caller {
    /// `requestContext.authorizer` of payload 2.0: HTTP APIs and function URLs
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
    #[must_use]
    pub fn v2(&self) -> Value {
        match self {
            Self::Lambda { context, .. } => json!({ "lambda": context }),
            Self::Jwt { claims, scopes } => {
                json!({ "jwt": { "claims": claims, "scopes": scopes } })
            }
            Self::Cognito { claims } => json!({ "jwt": { "claims": claims, "scopes": null } }),
            Self::Iam(caller) => json!({ "iam": caller.v2() }),
        }
    }

    /// `requestContext.authorizer` of payload 1.0 before an HTTP API: `claims` and `scopes` are
    /// there whoever decided, and null after a Lambda authorizer, whose context stands beside them
    /// (seen in captures, one of them
    /// <https://github.com/awsdocs/amazon-api-gateway-developer-guide/issues/113>). Who signed
    /// stands in `identity` instead.
    #[must_use]
    pub fn http_v1(&self) -> Option<Value> {
        match self {
            Self::Lambda {
                principal_id,
                context,
                ..
            } => {
                let mut said = Map::new();
                said.insert("claims".to_owned(), Value::Null);
                said.insert("scopes".to_owned(), Value::Null);
                if let Some(principal) = principal_id {
                    said.insert("principalId".to_owned(), json!(principal));
                }
                said.extend(context.clone());
                Some(Value::Object(said))
            }
            Self::Jwt { claims, scopes } => Some(json!({ "claims": claims, "scopes": scopes })),
            Self::Cognito { claims } => Some(json!({ "claims": claims, "scopes": null })),
            Self::Iam(_) => None,
        }
    }

    /// `requestContext.authorizer` before a REST API. Who signed stands in `identity` instead.
    #[must_use]
    pub fn rest(&self) -> Option<Map<String, Value>> {
        match self {
            Self::Lambda {
                principal_id,
                context,
                latency_ms,
            } => {
                let principal = principal_id.as_deref().unwrap_or_default();
                Some(crate::authorizer::event_context(
                    principal,
                    context,
                    *latency_ms,
                ))
            }
            Self::Jwt { claims, .. } | Self::Cognito { claims } => {
                let mut said = Map::new();
                said.insert("claims".to_owned(), Value::Object(claims.clone()));
                Some(said)
            }
            Self::Iam(_) => None,
        }
    }

    /// Whoever signed.
    #[must_use]
    pub fn iam(&self) -> Option<&IamCaller> {
        match self {
            Self::Iam(caller) => Some(caller),
            _ => None,
        }
    }
}

impl IamCaller {
    /// `authorizer.iam`, as the fixture `apigw-v2-request-iam.json` of aws-lambda-go has it;
    /// identities of Cognito's identity pools are not known here.
    fn v2(&self) -> Value {
        json!({
            "accessKey": self.access_key,
            "accountId": self.account_id,
            "callerId": self.user_id,
            "cognitoIdentity": null,
            "principalOrgId": self.principal_org_id,
            "userArn": self.user_arn,
            "userId": self.user_id,
        })
    }

    /// What payload 1.0 says in `requestContext.identity`, by name; all of them are null for others.
    #[must_use]
    pub fn identity(&self) -> [(&'static str, Value); 6] {
        [
            ("accessKey", json!(self.access_key)),
            ("accountId", json!(self.account_id)),
            ("caller", json!(self.user_id)),
            ("principalOrgId", json!(self.principal_org_id)),
            ("user", json!(self.user_id)),
            ("userArn", json!(self.user_arn)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    fn lambda() -> Caller {
        Caller::Lambda {
            principal_id: Some("me".to_owned()),
            context: map(&json!({ "tenant": "t" })),
            latency_ms: 7,
        }
    }

    #[test]
    fn each_payload_says_in_its_own_way_what_a_lambda_authorizer_said() {
        assert_eq!(lambda().v2(), json!({ "lambda": { "tenant": "t" } }));
        let v1 = json!({ "claims": null, "scopes": null, "principalId": "me", "tenant": "t" });
        assert_eq!(lambda().http_v1(), Some(v1));
        let rest = json!({ "tenant": "t", "principalId": "me", "integrationLatency": 7 });
        assert_eq!(lambda().rest(), Some(map(&rest)));
    }

    #[test]
    fn claims_stand_where_handlers_look_for_them() {
        let claims = map(&json!({ "sub": "1" }));
        let jwt = Caller::Jwt {
            claims: claims.clone(),
            scopes: None,
        };
        let v2 = json!({ "jwt": { "claims": { "sub": "1" }, "scopes": null } });
        assert_eq!(jwt.v2(), v2);
        let v1 = json!({ "claims": { "sub": "1" }, "scopes": null });
        assert_eq!(jwt.http_v1(), Some(v1));
        let rest = Caller::Cognito { claims }.rest();
        assert_eq!(rest, Some(map(&json!({ "claims": { "sub": "1" } }))));
    }

    #[test]
    fn who_signed_stands_in_the_identity_or_under_iam() {
        let signed = Caller::Iam(IamCaller {
            access_key: "AKIA".to_owned(),
            account_id: "1".to_owned(),
            user_id: "AIDA".to_owned(),
            user_arn: "arn".to_owned(),
            principal_org_id: None,
        });
        assert_eq!(signed.v2()["iam"]["callerId"], "AIDA");
        assert_eq!((signed.rest(), signed.http_v1()), (None, None));
        let identity: Map<String, Value> = signed
            .iam()
            .into_iter()
            .flat_map(IamCaller::identity)
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        assert_eq!(identity["caller"], "AIDA");
        assert_eq!(identity["principalOrgId"], Value::Null);
    }

    #[test]
    fn callers_do_not_print() {
        assert_eq!(format!("{:?}", lambda()), "Lambda { .. }");
    }
}
