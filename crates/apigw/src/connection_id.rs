//! Ids as API Gateway makes them for WebSocket connections, requests and messages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;

/// Characters of every id captured so far: 15 and the padding.
const LENGTH: usize = 16;

/// An id of the shape `R1koeHsUtjMFbRw=`.
///
/// Eleven bytes make sixteen characters of which the last is `=`. That sign is
/// the point: clients have to send it as `%3D` in a path, and code that forgets
/// to should fail here as it fails on AWS. The alphabet is the URL-safe one, so
/// that an id never holds a `/` that would split its path `[inf]`.
#[must_use]
pub fn from_random(bytes: &[u8; 11]) -> String {
    URL_SAFE.encode(bytes)
}

/// Could this be an id that API Gateway has made?
///
/// AWS answers 410 for an id that it does not know and 400 `Invalid connectionId`
/// for one that it cannot have made (<https://github.com/localstack/localstack/issues/4694>,
/// <https://github.com/dherault/serverless-offline/issues/749>). Where exactly it
/// draws the line is `[inf]`: here, at the shape of the captured ids.
#[must_use]
pub fn is_well_formed(id: &str) -> bool {
    id.len() == LENGTH && URL_SAFE.decode(id).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn captured_ids_are_well_formed() {
        for id in ["R1koeHsUtjMFbRw=", "R1kmxc2VNjMCFIA=", "L0SM9cOFvHcCIhw="] {
            assert!(is_well_formed(id), "{id}");
        }
    }

    #[test]
    fn other_ids_are_not() {
        for id in [
            "",
            "144ae8e8",
            "cjy8i76bx002884le6n17d49b",
            "R1koeHsUtjMFbRw",
            "R1ko/HsUtjMFbRw=",
        ] {
            assert!(!is_well_formed(id), "{id}");
        }
    }

    proptest! {
        #[test]
        fn every_id_has_the_shape(bytes in any::<[u8; 11]>()) {
            let id = from_random(&bytes);
            prop_assert!(id.ends_with('=') && !id.contains('/') && !id.contains('+'));
            prop_assert!(is_well_formed(&id));
        }
    }
}
