//! Mutations that are the same on every machine.

/// What readers stumble over.
const TOKENS: [&str; 24] = [
    "\"",
    "\\",
    "{",
    "}",
    "[[[[[[[[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "4294967295",
    "18446744073709551615",
    "18446744073709551616",
    "\\ud800",
    "\\u0000",
    "\u{feff}",
    "\r\n",
    "é",
    "\0",
    "hunter2",
    "*",
];

/// Longer inputs are cut: they only take time.
const LONGEST: usize = 4096;

/// Pseudo-random numbers: splitmix64, after Vigna
/// (<https://prng.di.unimi.it/splitmix64.c>).
#[derive(Clone, Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// Starts from a seed: the same one gives the same mutations.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.number() % limit.max(1) as u64) as usize
    }

    /// `bytes` with one to four things changed; parts of `other` may come in.
    #[must_use]
    pub fn mutated(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes, other);
        }
        bytes.truncate(LONGEST);
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let at = self.below(bytes.len() + 1);
        match self.below(7) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => bytes.insert(at, self.number() as u8),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(self.range(at, bytes.len()))),
            4 => {
                let part = bytes[self.range(at, bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let start = self.below(other.len() + 1);
                let part = other[self.range(start, other.len())].iter().copied();
                bytes.splice(at..at, part);
            }
            _ => {
                let token = TOKENS[self.below(TOKENS.len())].bytes();
                let replaced = self.range(at, bytes.len().min(at + 4));
                bytes.splice(replaced, token);
            }
        }
    }

    fn range(&mut self, start: usize, end: usize) -> std::ops::Range<usize> {
        start..start + self.below(end - start + 1)
    }
}
