//! Which headers REST APIs take away, rename and recase
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html>;
//! where LocalStack recorded something else, that).

/// Headers, in their order.
pub(super) type Headers = Vec<(String, String)>;

/// Of a request, these reach no integration.
const DROPPED: [&str; 12] = [
    "Connection",
    "Content-Length",
    "Content-MD5",
    "Expect",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Server",
    "TE",
    "Transfer-Encoding",
    "Trailer",
    "Upgrade",
    "WWW-Authenticate",
];

/// Names that the edge spells its own way, as recorded for the first two. Every other name stays as
/// it was sent.
const RECASED: [&str; 3] = ["Authorization", "User-Agent", "Host"];

/// Of an answer, these get `x-amzn-Remapped-` before their names.
const REMAPPED: [&str; 5] = [
    "Connection",
    "Content-Length",
    "Date",
    "Server",
    "WWW-Authenticate",
];

/// These as well, where mappings made the answer.
const REMAPPED_IF_MAPPED: [&str; 9] = [
    "Authorization",
    "Content-MD5",
    "Expect",
    "Host",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Trailer",
    "Upgrade",
    "User-Agent",
];

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

/// A request's headers, as integrations see them.
pub(super) fn incoming(headers: &[(String, String)]) -> Headers {
    let kept = headers
        .iter()
        .filter(|(name, _)| !is_one_of(name, &DROPPED));
    let recased = kept.map(|(name, value)| {
        let own = RECASED.iter().find(|own| own.eq_ignore_ascii_case(name));
        let name = own.map_or_else(|| name.clone(), |own| (*own).to_owned());
        (name, value.clone())
    });
    recased.collect()
}

/// An answer's headers, as clients see them.
pub(super) fn outgoing(headers: Headers, mapped: bool) -> Headers {
    let kept = headers
        .into_iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("Transfer-Encoding"));
    let renamed = kept.map(|(name, value)| {
        // Whoever answers from behind AWS sends one, and the API has its own.
        let remapped = is_one_of(&name, &REMAPPED)
            || name.eq_ignore_ascii_case("x-amzn-RequestId")
            || (mapped && is_one_of(&name, &REMAPPED_IF_MAPPED));
        match remapped {
            true => (format!("x-amzn-Remapped-{name}"), value),
            false => (name, value),
        }
    });
    renamed.collect()
}

/// All values under one name each, in the order of the names' first; names are compared as HTTP
/// does, and the first spelling holds.
pub(super) fn grouped(headers: &[(String, String)]) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, value) in headers {
        match groups
            .iter_mut()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
        {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

/// Sets a header, in place of all of that name.
pub(super) fn set(headers: &mut Headers, name: &str, value: impl Into<String>) {
    headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    headers.push((name.to_owned(), value.into()));
}

/// The last value of a header.
pub(super) fn get<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().rev();
    let found = found.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.as_str())
}

/// Whether both can stand in an HTTP message.
pub(super) fn can_be_sent(name: &str, value: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
        && http::HeaderValue::from_bytes(value.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    #[test]
    fn names_stay_as_sent_but_for_those_that_the_edge_spells() {
        let sent = headers(&[
            ("tEsT-HEADeR", "a"),
            ("authorization", "b"),
            ("user-Agent", "c"),
            ("x_und", "d"),
            ("connection", "close"),
            ("CONTENT-LENGTH", "3"),
            ("Transfer-Encoding", "chunked"),
        ]);
        let seen = headers(&[
            ("tEsT-HEADeR", "a"),
            ("Authorization", "b"),
            ("User-Agent", "c"),
            ("x_und", "d"),
        ]);
        assert_eq!(incoming(&sent), seen);
    }

    #[test]
    fn what_the_gateway_sends_itself_is_renamed() {
        let returned = headers(&[
            ("date", "d"),
            ("X-Mine", "m"),
            ("transfer-encoding", "chunked"),
        ]);
        let sent = headers(&[("x-amzn-Remapped-date", "d"), ("X-Mine", "m")]);
        assert_eq!(outgoing(returned, false), sent);
        let agent = headers(&[("User-Agent", "a")]);
        assert_eq!(outgoing(agent.clone(), false), agent);
        let renamed = headers(&[("x-amzn-Remapped-User-Agent", "a")]);
        assert_eq!(outgoing(agent, true), renamed);
    }

    #[test]
    fn values_of_one_name_stand_together_under_its_first_spelling() {
        let sent = headers(&[("X-A", "1"), ("b", "2"), ("x-a", "3")]);
        assert_eq!(grouped(&sent), [("X-A", vec!["1", "3"]), ("b", vec!["2"])]);
    }
}
