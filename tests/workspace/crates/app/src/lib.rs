//! What the program says, as lines of `name: value`.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

#[derive(expands::Fields)]
#[allow(dead_code)]
struct Counted {
    a: u32,
    b: u32,
}

pub fn lines() -> Vec<String> {
    let mut lines = vec![
        format!("own file: {}", file!()),
        format!("own place: {}", plain::here!()),
        format!("own module: {}", module_path!()),
        format!("plain file: {}", plain::FILE),
        format!("plain module: {}", plain::MODULE),
        format!("plain deeper: {}", plain::DEEPER),
        format!("plain notice: {}", plain::NOTICE.trim_end()),
        format!("plain blob: {:?}", plain::BLOB),
        format!("plain flavour: {:?}", plain::FLAVOUR),
        format!("plain version: {} by {}", plain::VERSION, plain::AUTHORS),
        format!("caller: {}", plain::caller()),
        format!("outside file: {}", outside::FILE),
        format!("outside place: {}", outside::place()),
        format!("generated: {}", made::GENERATED.trim_end()),
        format!("object: {:?}", String::from_utf8_lossy(made::OBJECT)),
        format!("made by: {} ({})", made::MADE_BY, made::BY_SCRIPT),
        format!("total: {}", made_too::total()),
        format!("expanded version: {}", expands::variable!("CARGO_PKG_VERSION")),
        format!("expanded flavour: {}", expands::variable!("MATRIX_FLAVOUR")),
        format!("expanded directory: {}", expands::dir_name!()),
        format!("fields: {}", Counted::FIELDS),
        format!("sum: {}", foreign::foreign_sum(2, 3)),
    ];
    lines.push(format!("panic here: {}", panics(|| panic!("here"))));
    lines.push(format!("panic in a generic: {}", panics(|| {
        plain::generic::<u32>(std::hint::black_box(None));
    })));
    lines.push(format!("panic outside: {}", panics(|| {
        outside::fails(std::hint::black_box(7));
    })));
    lines.push(format!("panic of an index: {}", panics(|| {
        let empty: Vec<u32> = std::hint::black_box(Vec::new());
        let _ = std::hint::black_box(empty[std::hint::black_box(3)]);
    })));
    lines
}

/// Where it panics, and what it says.
fn panics(what: impl FnOnce()) -> String {
    let said = Arc::new(Mutex::new(String::new()));
    let hook = Arc::clone(&said);
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| *hook.lock().unwrap() = info.to_string()));
    let _ = catch_unwind(AssertUnwindSafe(what));
    std::panic::set_hook(before);
    let said = said.lock().unwrap().replace('\n', " ");
    // The thread's number changes from run to run.
    said
}

/// The frames of this workspace on the stack, as `file:line`.
#[inline(never)]
pub fn frames() -> Vec<String> {
    let trace = std::backtrace::Backtrace::force_capture().to_string();
    trace
        .lines()
        .filter_map(|line| line.trim().strip_prefix("at "))
        .filter(|place| place.contains("crates/app/") || place.contains("crates/plain/"))
        .map(str::to_owned)
        .collect()
}
