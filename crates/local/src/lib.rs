//! `tether local`: a template served as AWS would serve it, by the emulator, with working copies in
//! the place of deployed code.
