//! `Fn::Cidr`: blocks of an address block.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-cidr.html>

use core::net::IpAddr;

/// The most blocks that may be asked for.
const MOST: u32 = 256;

/// `count` blocks of `block`, one after the other, each with so many bits for hosts.
///
/// # Errors
/// What is wrong with the arguments, for people.
pub(crate) fn blocks(block: &str, count: &str, bits: Option<&str>) -> Result<Vec<String>, String> {
    let (start, whole, prefix) =
        parsed(block).ok_or_else(|| format!("{block} is no address block such as 10.0.0.0/16."))?;
    let number = |text: &str, what: &str| {
        let number = text.trim().parse::<u32>();
        number.map_err(|_| format!("the {what} of Fn::Cidr is a number, not {text}."))
    };
    let count = number(count, "count")?;
    if !(1..=MOST).contains(&count) {
        return Err(format!(
            "Fn::Cidr makes from 1 to {MOST} blocks, not {count}."
        ));
    }
    let (bits, v6) = match (bits, start.is_ipv6()) {
        (Some(bits), v6) => (number(bits, "bits")?, v6),
        (None, false) => (8, false),
        (None, true) => return Err("Fn::Cidr needs the bits for a block of IPv6.".to_owned()),
    };
    let room = whole
        .checked_sub(prefix)
        .filter(|room| bits <= *room && bits < 128);
    let room = room.ok_or_else(|| {
        let most = whole - prefix;
        format!("{bits} bits do not fit into {block}: it has {most}.")
    })?;
    let blocks = 1u128.checked_shl(room - bits).unwrap_or(u128::MAX);
    if u128::from(count) > blocks {
        return Err(format!("{block} has no {count} blocks of {bits} bits."));
    }
    let first = match start {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    };
    let mask = 1u128.checked_shl(room).map_or(0, |size| !(size - 1));
    let length = whole - bits;
    let block = |index: u32| {
        let address = (first & mask).wrapping_add(u128::from(index) << bits);
        let address = match v6 {
            true => IpAddr::V6(address.into()),
            false => IpAddr::V4(u32::try_from(address).unwrap_or(u32::MAX).into()),
        };
        format!("{address}/{length}")
    };
    Ok((0..count).map(block).collect())
}

/// The address, how many bits it has, and how many of them stand for the block.
fn parsed(block: &str) -> Option<(IpAddr, u32, u32)> {
    let (address, prefix) = block.trim().split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let prefix = prefix.parse().ok().filter(|it| *it <= whole)?;
    Some((address, whole, prefix))
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn blocks_follow_each_other() {
        assert_eq!(
            blocks("10.0.0.0/16", "3", Some("8")).unwrap(),
            ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]
        );
        assert_eq!(
            blocks("192.168.0.0/24", "6", Some("5")).unwrap(),
            [
                "192.168.0.0/27",
                "192.168.0.32/27",
                "192.168.0.64/27",
                "192.168.0.96/27",
                "192.168.0.128/27",
                "192.168.0.160/27"
            ]
        );
        assert_eq!(
            blocks("2001:db8::/56", "2", Some("64")).unwrap(),
            ["2001:db8::/64", "2001:db8:0:1::/64"]
        );
        assert_eq!(blocks("0.0.0.0/0", "1", Some("32")).unwrap(), ["0.0.0.0/0"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        for (block, count, bits, words) in [
            ("10.0.0.0", "1", Some("8"), "is no address block"),
            ("10.0.0.0/33", "1", Some("8"), "is no address block"),
            ("10.0.0.0/16", "0", Some("8"), "from 1 to 256"),
            ("10.0.0.0/16", "x", Some("8"), "is a number, not x"),
            ("10.0.0.0/24", "2", Some("8"), "has no 2 blocks"),
            ("10.0.0.0/24", "1", Some("9"), "it has 8"),
            ("::/0", "1", None, "needs the bits"),
            ("::/0", "1", Some("128"), "do not fit"),
        ] {
            let message = blocks(block, count, bits).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }
}
