mod foreign_functions;
mod inactive_code;
mod locations;
mod several_crates;

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

fn effects_of(sources: &[(&str, &str)], author: Author) -> MacroEffects {
    effects_of_crate("it", sources, author)
}

fn effects_of_crate(name: &str, sources: &[(&str, &str)], author: Author) -> MacroEffects {
    let sources: Vec<_> = sources
        .iter()
        .map(|(path, text)| Source {
            path: Path::new(path),
            text: SourceText::Known(text),
            is_code: Path::new(path)
                .extension()
                .is_some_and(|extension| extension == "rs"),
            is_made: false,
        })
        .collect();
    let is_listed = author == Author::Other;
    let conditions = Conditions::of_arguments(&[]);
    let conditions = if is_listed {
        conditions
    } else {
        conditions.of_published()
    };
    MacroEffects::of_crate(name, author, &conditions, &sources, is_listed, false)
}

fn effects(source: &str) -> AmbientInputs {
    let source = format!("#[proc_macro] pub fn m() {{}}\n{source}");
    effects_of(&[("src/lib.rs", &source)], Author::Other).inputs()
}

/// The inputs of a library, whose functions other crates may call.
fn library(source: &str) -> AmbientInputs {
    effects_of(&[("src/lib.rs", source)], Author::Other).inputs()
}

fn is_pure(found: &AmbientInputs) -> bool {
    let named = AmbientInputs {
        named: found.named.clone(),
        name: found.name.clone(),
        reads_now: found.reads_now,
        hashes: found.hashes,
        history: found.history,
        names_clock: found.names_clock,
        names_file_time: found.names_file_time,
        writes: found.writes,
        makes_random: found.makes_random,
        ..AmbientInputs::default()
    };
    named == *found
}

#[test]
fn pure_code_has_no_effects() {
    for source in [
        "fn f() -> &'static str { env!(\"X\") } // std::fs, env::var(x)",
        "use std::{collections::HashMap, fmt, net::{IpAddr, Ipv4Addr}, path::{Path, PathBuf}, time::Duration};",
        "use core::fmt; use alloc::vec::Vec; extern crate std; use ::std::string::String;",
        "#[cfg(test)] mod tests { use std::process::Command; }",
        "#[cfg(windows)] extern \"system\" { fn f(); }",
        "#[cfg(feature = \"std\")] use std::fs;",
        "fn f(env: &str, fs: Fs) { let var = env; g(var, fs.named) }",
        "use std::env; fn f(env: &str) { println!(\"{}\", env) }",
        "extern \"C\" fn f() {} type F = unsafe extern \"C\" fn();",
        "struct File; impl File { fn open() {} }",
        "fn f() { quote! { std::env::vars(); extern \"C\" { fn f(); } ::std::process::exit(1) } }",
        "fn f() { quote_spanned!(span => std::fs::read(x)) }",
        "use syn::{parse::ParseStream, Token}; fn f() { s.peek(Token![extern]); g::<Option<Token![extern]>>() }",
        "fn f() { stream.peek(syn::Token![extern]) }",
        "fn f() { std::process::exit(1); std::thread::spawn(f); std::io::stderr(); }",
        "fn f(now: Instant) { let _ = std::panic::catch_unwind(f); assert!(std::mem::size_of::<u8>() == 1) }",
        "macro_rules! m { ($x:expr) => { $crate::__private::vec![$x] } } m!(1);",
        "fn f() { span.local_part().exists_not(); meta.metadata; }",
        "pub use std::vec::Vec; pub use std::time::{SystemTime, UNIX_EPOCH};",
    ] {
        let found = effects(source);
        assert!(is_pure(&found), "{source}: {found:?}");
    }
}

/// `clap_derive` names `raw.githubusercontent.com` in its documentation.
#[test]
fn the_state_of_the_repository_counts_if_its_files_may_be_read() {
    let reads = "fn f() { std::fs::read(NAME); }";
    for (name, source, counts) in [
        (".git/HEAD", reads, true),
        ("../.git", reads, true),
        ("https://raw.githubusercontent.com/x/y.png", reads, false),
        (".gitignore", reads, false),
        (".git/HEAD", "fn f() {}", false),
    ] {
        let source = format!("const NAME: &str = {name:?}; {source}");
        assert_eq!(effects(&source).reads_history(), counts, "{source}");
    }
}

#[test]
fn names_of_variables_are_known_if_all_calls_have_literals() {
    for source in [
        "fn f() { std::env::var(\"A\"); }",
        "use std::env; fn f() { env::var_os(\"A\",).is_some(); }",
        "use std::env::var as get; fn f() { get(\"A\"); }",
        "const NAME: &str = \"A\"; fn f() { std::env::var(NAME); }",
        "fn g(n: &str) { std::env::var(n); log(n) } fn f() { g(\"A\"); Self::g(r\"A\") }",
        "impl X { fn g(&self, _: Vec<u8>, n: &str) { std::env::var(n); } } fn f() { x.g(a(b, c), \"A\"); }",
    ] {
        let found = effects(source);
        assert_eq!(found.environment, None, "{source}");
        assert_eq!(
            found.variables,
            BTreeSet::from(["A".to_owned()]),
            "{source}"
        );
    }
    assert_eq!(
        effects("mod a { const NAME: &str = \"A\"; fn f() { std::env::var(NAME); } }").environment,
        None
    );
    for source in [
        "fn f() { std::env::var(name()); }",
        "fn f() { std::env::var(\"A\".to_owned() + \"B\"); }",
        "fn f() { std::env::var(\"\\x41\"); }",
        "const NAME: &str = concat!(\"A\"); fn f() { std::env::var(NAME); }",
        "mod a { const NAME: &str = \"A\"; } mod b { const NAME: &str = \"B\"; fn f() { std::env::var(NAME); } }",
        "use helper::NAME; mod a { const NAME: &str = \"A\"; } fn f() { std::env::var(NAME); }",
        "fn g(n: &str) { std::env::var(n); } fn f() { h(g); }",
        "fn g(n: &str) { let n = h(n); std::env::var(n); } fn f() { g(\"A\") }",
        "fn g(mut n: &str) { loop { std::env::var(n); n = \"B\"; } } fn f() { g(\"A\") }",
        "impl Get for X { fn g(&self, n: &str) { std::env::var(n); } } fn f() { x.g(\"A\") }",
        "use a::g as h; fn g(n: &str) { std::env::var(n); } fn f() { h(x); }",
        "fn g(n: &str) { |n| std::env::var(n); } fn f() { g(\"A\"); }",
        "use std::env::var; fn f() { h(var) }",
        "use std::env::*;",
        "fn f() { std::env::vars_os(); }",
        // The constant is not in scope, so that it is a variable.
        "mod a { const name: &str = \"A\"; } fn f(name: &str) { std::env::var(name); } fn k() { f(h()) }",
        "fn g() { const NAME: &str = \"A\"; } fn f() { let NAME = h(); std::env::var(NAME); }",
        "impl A { const NAME: &str = \"A\"; fn f(NAME: &str) { std::env::var(NAME); } fn k() { Self::f(h()) } }",
        // Another `cfg!`.
        "macro_rules! cfg { () => { true } } fn f() { if !cfg!(feature = \"x\") { return; } std::env::vars() }",
    ] {
        assert!(effects(source).environment.is_some(), "{source}");
    }
    let open = "pub fn g(n: &str) { std::env::var(n); } fn f() { g(\"A\") }";
    assert!(library(open).environment.is_some());
    assert!(
        library("pub(crate) fn g(n: &str) { std::env::var(n); } fn f() { g(\"A\") }")
            .environment
            .is_none()
    );
}

#[test]
fn aliases_of_modules_are_followed() {
    for source in [
        "use std::env as e; fn f() { e::vars() }",
        "use std::{env as e, fmt}; fn f() { e::vars() }",
        "use {std::{env::{self as e}}}; fn f() { e::vars() }",
        "use std as s; fn f() { s::env::vars() }",
        "extern crate std as s; fn f() { s::env::vars() }",
        "use std as s; use s::env as e; use self::e as g; fn f() { g::vars() }",
        "mod a { pub use std::env as e; } fn f() { a::e::vars() }",
        "mod a { pub use std::env as e; } use a as b; fn f() { b::e::vars() }",
        "fn f() { crate::a::std::env::vars() }",
        "use std::*; fn f() { env::vars() }",
        "fn f() -> ::std::env::Vars { x }",
        "fn f() { return ::std::env::vars() }",
        "macro_rules! m { ($f:ident) => { std::env::$f() } }",
        "m!(std, env, vars);",
        "use std::env; helper::m!(env, vars);",
        "m!(std::env);",
    ] {
        assert!(effects(source).environment.is_some(), "{source}");
    }
    for source in [
        "pub use std::env;",
        "pub use std::env as e;",
        "pub use std::{fmt, env};",
        "pub extern crate std;",
        "pub use std::*;",
        "pub use std as base;",
        "pub mod a { pub use std::env; }",
        "mod a { pub use std::env; } pub use self::a::*;",
        "mod a { pub mod b { pub use std::env; } } pub use a::b;",
        "mod a { pub use std::*; } pub use a::env;",
    ] {
        assert!(library(source).environment.is_some(), "{source}");
    }
    let types = "pub use std::os::raw as ctypes; pub fn f(x: ctypes::c_int) {}";
    assert!(is_pure(&library(types)));
}

#[test]
fn files_locations_and_volatile_effects_are_found() {
    for source in [
        "use std::{fs, path}; fn f() { fs::read(x); }",
        "fn f() { std::fs::read(x) }",
        "use std::fs::File; fn f() { File::open(x) }",
        "fn f() { Path::new(x).exists() }",
        "fn f() { x.metadata().is_ok(); }",
        "fn f() { x.iter().filter(Path::is_file) }",
    ] {
        let found = effects(source);
        assert!(
            found.reads_files() && found.each_time().is_none(),
            "{source}: {found:?}"
        );
    }
    let local_file = effects("fn f() { span.local_file() }");
    assert!(local_file.place && local_file.asks_for_source);
    assert!(effects("use std::env; fn f() { env::current_dir() }").place);
    assert!(effects("fn f() { span.file() }").asks_for_source);
    assert!(effects("fn f() { Some(&span).map(Span::file) }").asks_for_source);
    assert!(!effects("use crate::file::Kind; fn f() { file::open() }").asks_for_source);
    let handed_on = "impl Span { pub fn local_file(&self) { self.inner.local_file() } }";
    assert!(!library(handed_on).place);
    for source in [
        "use std::process::{Command, Stdio};",
        "use std::process as p; fn f() { p::Command::new(x) }",
        "fn f() { std::process::id() }",
        "fn f() { std::time::SystemTime::now() }",
        "use std::time::Instant as I; fn f() { I::now() }",
        "fn f() { std::time::UNIX_EPOCH.elapsed() }",
        "use std::net::TcpStream;",
        "fn f() { \"x:1\".to_socket_addrs() }",
        "fn f() { std::fs::write(x, y) }",
        "use std::fs::File; fn f() { File::create(x) }",
        "use std::fs::{self, File}; fn f() { fs::metadata(x).modified() }",
        "extern \"C\" { fn getenv(); }",
        "unsafe extern { fn getenv(); }",
        "fn f() { std::arch::asm!(\"\") }",
        "use core::arch::asm; fn f() { asm!(\"\") }",
        "fn f() { std::fs::read(\"/proc/self/environ\") }",
        "fn f() { std::env::args() }",
        "fn f() { std::something_new::f() }",
        "fn f() { RandomState::new().hash_one(1) }",
        "m!(std);",
        "fn f() { m!(extern) }",
        "use other::Token; fn f() { Token![extern] }",
        "use syn::Token; fn f() { Token![extern \"C\" { fn getenv(); }] }",
        "use syn::Token; mod n { macro_rules! Token { ($e:tt) => { $e \"C\" { fn getenv(); } } } Token![extern]; }",
        "use syn::Token; mod n { use super::m as Token; Token![extern]; }",
        // Under other names, or in parts.
        "use std::arch::asm as code; fn f() { code!(\"\") }",
        "macro_rules! m { ($e:tt) => { $e \"C\" { fn getenv(); } } } m!(extern);",
        "#[link_section = \".init_array\"] static F: fn() = f;",
        "use std::thread::available_parallelism as count; fn f() { count() }",
        "use std::hash::RandomState as R; fn f() { R::new().hash_one(1) }",
        "fn f() { HashMap::<u8, u8>::new().hasher().hash_one(1) }",
        "use std::os::fd::FromRawFd;",
        "fn f() { std::os::fd::BorrowedFd::borrow_raw(0) }",
        "fn f() { helper::metadata().modified() }",
        "fn f() { let time = std::fs::Metadata::modified; }",
        "use std::time::SystemTime; m!(SystemTime, now);",
    ] {
        assert!(effects(source).each_time().is_some(), "{source}");
    }
}

#[test]
fn an_observed_published_macro_may_read_when_files_were_written() {
    let reads =
        |name: &str| published("it", &format!("fn f() {{ std::fs::metadata(x).{name}() }}"));
    for name in ["modified", "created"] {
        let runs = reads(name).runs;
        assert!(
            runs.reads_file_times() && runs.each_time().is_some(),
            "{name}"
        );
        assert_eq!(runs.hidden_each_time(), None, "{name}");
    }
    // A read of the file changes it.
    assert!(reads("accessed").runs.hidden_each_time().is_some());
}

#[test]
fn published_macros_that_read_at_most_variables_need_not_be_observed() {
    let observed = |source: &str| !published("it", source).runs.reads_only_variables();
    for source in [
        "fn f() { quote!(std::fs::read(x)) }",
        "fn f() { std::env::var(\"A\") }",
        "const NAME: &str = \"/etc/name.txt\"; fn f() -> std::time::SystemTime { x }",
    ] {
        assert!(!observed(source), "{source}");
    }
    for source in [
        "fn f() { std::env::var(x) }",
        "fn f() { std::fs::read(x) }",
        "fn f() { x.canonicalize() }",
        "fn f() { std::env::current_dir() }",
        "fn f() { std::process::Command::new(x) }",
        "fn f() { std::time::SystemTime::now() }",
        "fn f() { x.span().file() }",
        "fn f() { std::io::stdin() }",
        "fn f() { quote!(file!()) }",
    ] {
        assert!(observed(source), "{source}");
    }
}

#[test]
fn standard_streams_are_not_volatile_effects() {
    for source in [
        "fn f() { std::io::stdin() }",
        "use std::io::*; fn f() { stdin() }",
        "use std::io::IsTerminal as _; fn f() { std::io::stdout().is_terminal() }",
        "use std::io::IsTerminal as T; fn f() { T::is_terminal(&std::io::stderr()) }",
    ] {
        let found = effects(source);
        assert!(found.streams && found.each_time().is_none(), "{source}");
    }
    let named = "fn f() { std::fs::File::open(\"/dev/tty\").unwrap().is_terminal() }";
    assert!(effects(named).each_time().is_some());
}

/// A published crate, as a library.
fn published(name: &str, source: &str) -> MacroEffects {
    effects_of_crate(name, &[("src/lib.rs", source)], Author::Published)
}

#[test]
fn names_of_a_private_module_are_not_exported() {
    let source = "mod a { mod core { pub use std::*; } pub use self::core::{f32, fmt}; }";
    assert!(is_pure(&library(source)), "{:?}", library(source));
}

#[test]
fn all_files_with_code_are_read() {
    const READS: &str = "fn f() { std::env::vars() }";
    let all = |files: &[(&str, &str)]| effects_of(files, Author::Published).inputs();
    for (lib, path) in [
        ("#[path = \"x\\x2ein\"] mod a;", "src/x.in"),
        (
            "macro_rules! m { ($p:literal) => { #[path = $p] mod a; } }",
            "src/x.in",
        ),
    ] {
        let sources = [("src/lib.rs", lib), (path, READS)];
        let found = effects_of(&sources, Author::Other).inputs();
        assert!(found.environment.is_some(), "{lib}");
    }
    for (lib, path) in [
        ("include!(\"x.in\");", "src/x.in"),
        ("include!(concat!(env!(\"OUT_DIR\"), \"/x.in\"));", "x.in"),
        ("#[path = \"../y/x.in\"] mod a;", "y/x.in"),
        ("#[cfg_attr(unix, path = \"x.in\")] mod a;", "src/x.in"),
        ("mod tests;", "src/tests.rs"),
        (
            "#[cfg(test)] mod a { mod tests; } mod b { mod tests; }",
            "src/b/tests.rs",
        ),
    ] {
        assert!(
            all(&[("src/lib.rs", lib), (path, READS)])
                .environment
                .is_some(),
            "{lib}"
        );
    }
    for (lib, path) in [
        ("#[cfg(test)] mod tests;", "src/tests.rs"),
        ("#[cfg(test)] mod tests;", "src/tests/part/mod.rs"),
        ("#[cfg(windows)] mod windows;", "src/windows.rs"),
        ("", "src/x.in"),
    ] {
        let found = all(&[("src/lib.rs", lib), (path, READS)]);
        assert_eq!(found.environment, None, "{lib}");
    }
    assert!(all(&[("src/lib.rs", "include!(env!(\"X\"));")]).is_unknown);
}

/// `lalrpop_mod!` of lalrpop-util includes what a build script has generated for the crate that uses the macro.
#[test]
fn files_that_a_macro_includes_are_code_of_the_crate_that_uses_it() {
    const DEFINED: &str = "#[macro_export] macro_rules! lalrpop_mod { \
         ($name:ident, $file:expr) => { mod $name { include!(concat!(env!(\"OUT_DIR\"), $file)); } }; }";
    let of = |name: &str, source: &str| {
        effects_of_crate(name, &[("src/lib.rs", source)], Author::Published).inputs()
    };
    assert!(is_pure(&of("lalrpop-util", DEFINED)));
    let same_name = of("it", DEFINED);
    assert!(same_name.is_unknown);
    let user = of("it", "lalrpop_util::lalrpop_mod!(parser, \"/parser.in\");");
    assert!(user.is_unknown);
    let renamed = of("it", "pub use lalrpop_util::lalrpop_mod as parser_mod;");
    assert!(renamed.is_unknown);
}

/// `lalrpop` prints how long its phases took, and `parking_lot`, which it uses, waits until a time.
#[test]
fn durations_of_phases_are_not_in_results() {
    const MEASURES: &str = "fn f() { let start = std::time::Instant::now(); start.elapsed(); }";
    let of = |name: &str| {
        effects_of_crate(name, &[("src/lib.rs", MEASURES)], Author::Published).inputs()
    };
    assert!(of("it").reads_clock());
    for name in ["lalrpop", "parking_lot", "parking_lot_core"] {
        assert!(!of(name).reads_clock(), "{name}");
    }
    let own = effects_of_crate("lalrpop", &[("src/lib.rs", MEASURES)], Author::Other);
    assert!(own.inputs().reads_clock());
}

#[test]
fn compile_time_variables_are_found_if_named_by_literals() {
    let names = |source: &str| -> Vec<String> {
        let mut variables = CompileTimeVariables::default();
        variables.read(source, Author::Other);
        variables.named.into_iter().collect()
    };
    let source = r#"const A: &str = env!("A"); let b = option_env! ( "B" ); env!["C", "no C"]"#;
    assert_eq!(names(source), ["A", "B", "C"]);
    assert_eq!(names("let u = \"https://x\"; env!(\"A\")"), ["A"]);
    assert_eq!(names("env!(\n  \"A\",\n)"), ["A"]);
    for none in [
        "use std::env; std::env::var(\"A\") // env!(x)",
        "use std::{env, fs}; fn f(env: u8) { g(env) } if env != 1 {}",
        "\"env!(x)\"",
        "env!(concat!(\"A\", \"B\"))",
        "macro_rules! m { ($x:expr) => { env!($x) } }",
    ] {
        assert_eq!(names(none), [""; 0], "{none}");
    }
}

#[test]
fn literals_are_found_between_quotes() {
    let found = literals("m!(\"a/b.txt\", \"X\")\n");
    assert!(found.contains("a/b.txt") && found.contains("X"));
}

#[test]
fn the_body_of_macro_rules_is_code() {
    let each_time = |source: &str| published("some", source).runs.each_time();
    for source in [
        "use std as core; macro_rules! m { ($a:ident) => { fn f() { let core = $a::new(); g(core, core.h()) } } }",
        "macro_rules! m { () => { #[cfg(test)] mod tests { use std::net::*; fn f() { n!(std) } } } }",
        "mod kw { syn::custom_keyword!(include); }",
        "fn f(include: &Path) { debug!(\"{}\", include.display()) }",
        "mod fd { use std::os::fd::{self, BorrowedFd}; fn f() { BorrowedFd::borrow_raw(0) } } pub use fd::*; m!(OwnedFd);",
        "use std::os::fd::OwnedFd; m!(OwnedFd);",
        "use std::os::fortanix_sgx::thread::current; use std::os::windows::fs::symlink_file;",
        "macro_rules! m { ($t:ident) => { fn f() -> $t { std::$t::MAX - std::$t::MIN } } }",
    ] {
        assert_eq!(each_time(source), None, "{source}");
    }
    for source in [
        "macro_rules! m { ($($a:tt)*) => { std $($a)* } } m!(::process::id());",
        "macro_rules! m { ($a:ident) => { std::$a() } }",
        "macro_rules! m { ($a:ident) => { std::$a::read(MAX) } }",
        "macro_rules! m { ($a:ident) => { std::$a::MAX::read() } }",
        "macro_rules! m { () => { n!(std) } }",
        "m!(include);",
        "macro_rules! m { () => { std::process::id() } }",
        "macro_rules! m { () => { $crate::n! { #[cfg(test)] { std::process::id() } } } }",
    ] {
        assert!(each_time(source).is_some(), "{source}");
    }
}

#[test]
fn random_numbers_of_a_published_macro_do_not_count() {
    let source = "fn fill() { std::libc::getrandom() }";
    let mut found = published("getrandom", source).runs;
    assert_eq!(found.each_time(), None);
    found.is_own = true;
    assert!(found.each_time().is_some());
    assert!(published("other", source).runs.each_time().is_some());
    // The seed of a hasher decides the order of a map alone.
    let source = "use std::time::Instant; fn seed() { Instant::now() }";
    let mut found = published("foldhash", source).runs;
    found.is_own = true;
    assert_eq!(found.each_time(), None);
}

#[test]
fn the_clock_counts_unless_an_observed_compile_does_not_read_it() {
    let found = effects("use std::time::Instant; fn f() { Instant::now() }");
    assert!(found.each_time().is_some());
    assert_eq!(found.hidden_each_time(), None);
}
