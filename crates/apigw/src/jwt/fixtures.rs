//! Tokens of one RSA key, made by openssl, whose private half is gone.

/// The key as an issuer publishes it.
pub(super) const MODULUS: &str = "_JxXCNGRprd3DO2PWKhZ9Jd2ECwluTzzi2lHyevlOiBOfmRojGtuLpTJUBpNtHTXyi3kDcUp33k4ozimyji7g4Oll8wqgvKHCJYPDITLkSOl91_vd-f_DEEE8wSsA7CsR5joH-DPNvUZ9dgWa7x0jLfjOkCZY5cLzvJ7pZ_SzWBhP94ummKey_qY2CxXrQrRzAI72LZrfzNYSQayviDtnH8Yt-vhLOVMK20nV8R_PKZR4Kv2k1HH1VII3w9ycNlO427PFkB36KOP2Do4cvKoMa4XMODm7lZgjk-qvvc98cV0N6KPXPvpE8jaiQM52ZmyZdNSxfl-1aJT0jJiE-3h1w";

/// The same as a PEM.
pub(super) const PEM: &str = r"-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA/JxXCNGRprd3DO2PWKhZ
9Jd2ECwluTzzi2lHyevlOiBOfmRojGtuLpTJUBpNtHTXyi3kDcUp33k4ozimyji7
g4Oll8wqgvKHCJYPDITLkSOl91/vd+f/DEEE8wSsA7CsR5joH+DPNvUZ9dgWa7x0
jLfjOkCZY5cLzvJ7pZ/SzWBhP94ummKey/qY2CxXrQrRzAI72LZrfzNYSQayviDt
nH8Yt+vhLOVMK20nV8R/PKZR4Kv2k1HH1VII3w9ycNlO427PFkB36KOP2Do4cvKo
Ma4XMODm7lZgjk+qvvc98cV0N6KPXPvpE8jaiQM52ZmyZdNSxfl+1aJT0jJiE+3h
1wIDAQAB
-----END PUBLIC KEY-----
";

/// The same in the older form.
pub(super) const RSA_PEM: &str = r"-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEA/JxXCNGRprd3DO2PWKhZ9Jd2ECwluTzzi2lHyevlOiBOfmRojGtu
LpTJUBpNtHTXyi3kDcUp33k4ozimyji7g4Oll8wqgvKHCJYPDITLkSOl91/vd+f/
DEEE8wSsA7CsR5joH+DPNvUZ9dgWa7x0jLfjOkCZY5cLzvJ7pZ/SzWBhP94ummKe
y/qY2CxXrQrRzAI72LZrfzNYSQayviDtnH8Yt+vhLOVMK20nV8R/PKZR4Kv2k1HH
1VII3w9ycNlO427PFkB36KOP2Do4cvKoMa4XMODm7lZgjk+qvvc98cV0N6KPXPvp
E8jaiQM52ZmyZdNSxfl+1aJT0jJiE+3h1wIDAQAB
-----END RSA PUBLIC KEY-----
";

/// `{"iss":"https://issuer.example","aud":"app","exp":1800000000,"sub":"alice","scope":"read write"}`
/// with the `kid` k1, signed in four ways.
pub(super) const TOKENS: [(&str, &str); 4] = [
    (
        "RS256",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.t1HSScWmYkoSVSvUkWxVPyKotgwRKRnhASN0f_P5cKb8kTbYK5ynae0-mki617q8cSYWxNe81LSC5I0rUiLrq82lYce4CeHmSjCDywq1RR_pt3H1G9H_xzxFSXOjo__4j8lSrNG-1Wivl6TI_SoAtwGC5PSNHGkDDZLKLwoD06yOU2k8oxg0gADcJ5uWlFNhQBXwDtG9f1viA_NkVCDmkXB6LWXMqBAV7CamXyfbBupxsi7hXuXgTkWzkiXNrnBX2PaiF4Qapx-AlqRCgX_SVyO9hmK-Jv6HunTNGkfzBlYuIrzm-fAZTqkG-Q8PBzs1hlPzE51STMJR9X-v1yhFZw",
    ),
    (
        "RS384",
        "eyJhbGciOiJSUzM4NCIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.FmWvfSTGNRqvI79fHbdIi4yCQ6TINfmBLXsszLolLPBjmTWFKPO7dl8ul1Mukzj7ud2tYBefZ2ajsF_GDGJWUEyCP40XE8r8SiNpjzigicuchzPjgM2jMXuV3ayYCichrpURXKKkvn-RYc0-ayXl6Z4LfUsP4zl7VtKPqdvexOCV9BiSxd-ab0-2-8GtHT4yp_a2Av6b4TFjK5AltVfOp32yzqiJZoT3u5XsIRG8YGrwYSnFUO9GkFIz6ZRfjC25fjuAA8f7jcPFiKb_EMcipBiLnvUtSiiPrD3maoOt33fpC2DKtTukNWOe_QkCtmrM5TnuSSBP9hZkRvs7HnNGZw",
    ),
    (
        "RS512",
        "eyJhbGciOiJSUzUxMiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.j5rzcXmhkYRO-tnoUIjRZFVEj9Pbfxkoklr59qnzqh95Vm9vwyO0H3NLFd1BjkiFQMb4WPdHV6SkG553uE4pio08txhVymIkzvETj-P9JbGoAivqRTKAorTIBVtVgIY-eIsz1KYyifJYu-HdK61Vy1Betu5e3d5cHmpJ6gxajuQauAwVuuu7u2EIR3J9Kp-zH0PekEHxN8eHQjnw-Dsnn5BoI2AY01zvD4vYq7hxKUp84gjNMfmUNQJJO8vjv-M7txh917XyCgZ519iUHodfS9FqLflcHGV8KM7czXCgszvKAReiiF89m_DN_CrYneToc87y_PnRiXwo1BwTKM5xPw",
    ),
    (
        "PS256",
        "eyJhbGciOiJQUzI1NiIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiYXBwIiwiZXhwIjoxODAwMDAwMDAwLCJzdWIiOiJhbGljZSIsInNjb3BlIjoicmVhZCB3cml0ZSJ9.2jsCGKv0u59rrk1_-dj0EuwAFn5lGBgwSK7XEIi7-rFSt6IlY27bVGj3t2J8wibGrdcefhGDam1W5nUwLQOG_8cO8b437MfgdrXzRhOBeCRfEsSDzgsIfDVO_OS83iKZvS1NUIkRYlG7I8P9cxNzIrPN4CPDXZSmVF8j07DYdSVWGc6YU4KCrS7OPdfII5NE_1RI5qFcK3ZeCi7sjbsUBTH3G48ovwcOBhj9jHz6peQMfyjo4iXkPwyR758YOO7YLXwurgVOsR7tm_LR2i3KpYbHEKOlE6sViaqcLOYxoE5KkFdozsqbZvJf6rr4fcOZ4IYl7S6vVC1FNDSREpOe5g",
    ),
];
