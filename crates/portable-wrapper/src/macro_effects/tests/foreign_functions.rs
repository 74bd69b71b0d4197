use super::*;

#[test]
fn published_crates_call_the_foreign_functions_that_they_declare() {
    for source in [
        "extern \"C\" { fn memchr(s: *const u8) -> *const u8; static ERRNO: c_int; }",
        "extern \"C\" { #[link_name = \"__xpg_strerror_r\"] fn message(); }",
        // As in `time`.
        "extern \"C\" { #[cfg_attr(target_os = \"netbsd\", link_name = \"__tzset50\")] fn tzset(); }",
        "fn f() { core::arch::asm!(\"mov {0}, {1}\", out(reg) a, in(reg) b); asm!(concat!(\"/*{0}*/\")) }",
        "use std::arch::asm;",
        "fn f(x: libc::c_int, y: libc::size_t) { unsafe { libc::memcpy(a, b, libc::EOF) } }",
        "fn f() { std::thread::available_parallelism() }",
        "fn f() { rand::random() }",
    ] {
        let found = published("it", source).inputs();
        assert!(is_pure(&found), "{source}: {found:?}");
    }
    for source in [
        "extern \"C\" { fn memchr(); fn clock_gettime(); }",
        "extern \"C\" { fn sqlite3_open(); }",
        "extern \"C\" { #[link_name = \"time\"] fn strlen(); }",
        "macro_rules! m { ($f:ident) => { extern \"C\" { fn $f(); } } }",
        "fn f() { asm!(\"rdtsc\") }",
        "fn f() { asm!(\"mov x8, 1\", \"SVC 0\") }",
        "global_asm!(include_str!(\"code.s\"));",
        "use std::arch::asm as code;",
        "fn f() { libc::syscall(1) }",
        "use libc::{c_int, clock_gettime as now};",
        "use libc as c; fn f() { c::dlsym(x, y) }",
        "use libc::*;",
        "pub use libc;",
        "m!(libc);",
    ] {
        let found = published("it", source).inputs();
        assert!(found.each_time().is_some(), "{source}: {found:?}");
    }
    let reads = published("it", "fn f() { libc::open(NAME) }").inputs();
    assert!(reads.reads_files() && reads.each_time().is_none());
    let gets = published("it", "fn f() { libc::getenv(NAME) }").inputs();
    assert!(gets.environment.is_some() && gets.each_time().is_none());
}

#[test]
fn the_c_library_has_effects_where_it_is_called() {
    let libc = published(
        "libc",
        "extern \"C\" { pub fn time(t: *mut time_t) -> time_t; } m!(libc);",
    );
    assert!(libc.inputs().each_time().is_none());
    let above = |source: &str| {
        let mut effects = effects_of(&[("src/lib.rs", source)], Author::Other);
        effects.add(&libc);
        effects.inputs().each_time().is_some()
    };
    assert!(above("fn f() { c::time(x) }"));
    assert!(above("use other::getrandom; fn f() { getrandom(x) }"));
    assert!(above("fn f() { libc::new_function() }"));
    assert!(!above(
        "fn f() { libc::strlen(x); c::read(y); std::time::Duration::ZERO; }"
    ));
    // Without the library, these are others.
    let other = library("fn f() { rand::random() }");
    assert!(other.each_time().is_none());
}
