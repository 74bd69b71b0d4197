//! A library that says where it is in all the ways that a share may not change.

mod deeper;

pub use deeper::DEEPER;

pub const FILE: &str = file!();
pub const MODULE: &str = module_path!();
pub const NOTICE: &str = include_str!("../../../shared/notice.txt");
pub const BLOB: &[u8] = include_bytes!("../../../shared/blob.bin");
pub const FLAVOUR: Option<&str> = option_env!("MATRIX_FLAVOUR");
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
pub const AUTHORS: &str = env!("CARGO_PKG_AUTHORS");

/// Compiled in the crate that uses it.
pub fn generic<T: std::fmt::Debug>(what: Option<T>) -> T {
    what.expect("generic was given nothing")
}

/// Says where it was called.
#[track_caller]
pub fn caller() -> &'static std::panic::Location<'static> {
    std::panic::Location::caller()
}

#[macro_export]
macro_rules! here {
    () => {
        concat!(file!(), ":", line!())
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_notice_is_there() {
        assert!(super::NOTICE.contains("no crate owns"));
        assert!(super::FILE.ends_with("lib.rs"));
    }
}
