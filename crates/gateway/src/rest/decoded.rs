//! A request whose body came compressed, as integrations see it.

use super::Trip;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use std::io::Read;
use tether_apigw::http::Request;
use tether_apigw::rest::{
    Compression, Fault, body_too_long, limits, malformed_body, request_coding,
};

impl Trip<'_> {
    /// Decompresses the body; its signature was about what came.
    pub(super) fn decode(&mut self) -> Result<(), Fault> {
        let request = self.exchange.request;
        if request.body.is_empty() {
            return Ok(());
        }
        let Some(coding) = request_coding(request, self.rules.minimum_compression)? else {
            return Ok(());
        };
        let body = inflate(coding, &request.body)?.into();
        self.exchange.request = self.decoded.get_or_init(|| Request {
            body,
            ..request.clone()
        });
        Ok(())
    }

    /// Headers to another server: to whoever reads the body, it is not compressed `[inf]`.
    pub(super) fn of_decoded(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        let is_decoded = self.decoded.get().is_some();
        let headers = headers.iter();
        let kept = headers
            .filter(|(name, _)| !is_decoded || !name.eq_ignore_ascii_case("content-encoding"));
        kept.cloned().collect()
    }
}

/// No more than API Gateway passes on is ever written.
fn inflate(coding: Compression, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut decoder: Box<dyn Read + '_> = match coding {
        Compression::Gzip => Box::new(MultiGzDecoder::new(body)),
        Compression::Deflate => Box::new(ZlibDecoder::new(body)),
    };
    let most = u64::try_from(limits::PAYLOAD_BYTES).unwrap_or(u64::MAX);
    let mut whole = Vec::new();
    let read = (&mut decoder).take(most).read_to_end(&mut whole);
    read.map_err(|_| malformed_body(coding))?;
    if whole.len() < limits::PAYLOAD_BYTES {
        return Ok(whole);
    }
    // It may end exactly here.
    match decoder.read(&mut [0]) {
        Ok(0) => Ok(whole),
        Ok(_) => Err(body_too_long()),
        Err(_) => Err(malformed_body(coding)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression as Level;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;
    use std::io::Write as _;
    use tether_apigw::rest::FaultKind;

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Level::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    }

    fn kind(coding: Compression, body: &[u8]) -> Option<FaultKind> {
        inflate(coding, body).err().map(|fault| fault.kind)
    }

    #[test]
    fn ten_megabytes_are_passed_on_and_not_one_byte_more() {
        let most = vec![0; limits::PAYLOAD_BYTES];
        let packed = gzip(&most);
        assert!(packed.len() < 20_000, "{}", packed.len());
        assert_eq!(inflate(Compression::Gzip, &packed).unwrap(), most);
        let more = gzip(&vec![0; limits::PAYLOAD_BYTES + 1]);
        assert_eq!(
            kind(Compression::Gzip, &more),
            Some(FaultKind::BodyTooLarge)
        );
    }

    #[test]
    fn members_of_gzip_follow_one_another() {
        let both = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(inflate(Compression::Gzip, &both).unwrap(), b"one two");
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_415() {
        let refused = Some(FaultKind::UnsupportedMediaType);
        let packed = gzip(b"some body");
        let cut = &packed[..packed.len() - 1];
        for (coding, body) in [
            (Compression::Gzip, cut),
            (Compression::Gzip, &b"some body"[..]),
            (Compression::Deflate, &packed[..]),
        ] {
            assert_eq!(kind(coding, body), refused);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_compressed_comes_out_as_it_was(
            body in prop::collection::vec(any::<u8>(), 0..2000),
        ) {
            let mut zlib = ZlibEncoder::new(Vec::new(), Level::fast());
            zlib.write_all(&body).unwrap();
            let zlib = zlib.finish().unwrap();
            prop_assert_eq!(&inflate(Compression::Deflate, &zlib).unwrap(), &body);
            prop_assert_eq!(&inflate(Compression::Gzip, &gzip(&body)).unwrap(), &body);
        }

        #[test]
        fn no_body_is_too_strange(body in prop::collection::vec(any::<u8>(), 0..200)) {
            for coding in [Compression::Gzip, Compression::Deflate] {
                let _ = inflate(coding, &body);
            }
        }
    }
}
