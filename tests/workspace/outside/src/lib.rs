//! A path dependency that is no member of the workspace.

pub const FILE: &str = file!();

#[inline(never)]
pub fn fails(how: u32) -> u32 {
    assert!(how == u32::MAX, "outside was asked to fail with {how}");
    how
}

pub fn place() -> &'static std::panic::Location<'static> {
    inner()
}

#[track_caller]
fn inner() -> &'static std::panic::Location<'static> {
    std::panic::Location::caller()
}
