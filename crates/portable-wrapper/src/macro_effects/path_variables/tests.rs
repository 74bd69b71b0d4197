use super::super::tokens::tokens;
use super::*;

fn used_otherwise(source: &str) -> BTreeSet<String> {
    let tokens = tokens(source);
    let is_plain = super::used_otherwise(&tokens, Author::Published).is_empty()
        && included_files(&tokens).next().is_none();
    assert!(is_plain || may_read_or_include(source), "{source}");
    super::used_otherwise(&tokens, Author::Other)
}

#[test]
fn including_a_file_is_not_another_use() {
    for source in [
        "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
        "pub mod a { include ! { concat!(env!(\"OUT_DIR\"), \"/x.rs\") } }",
        "const X: &str = include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/README.md\"));",
        "fn f(line: u8, column: u8) -> u32 { line as u32 + column as u32 } fn format() {}",
        "const X: &[u8] = include_bytes!(::std::concat!(std::env!(\"CARGO_MANIFEST_DIR\"), \"/x\"));",
        "fn f() { g(include_str!(env!(\"OUT_DIR\"))) }",
        "macro_rules! root { () => { mod a { include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\")); } } }",
        "#[macro_export] macro_rules! proto { ($p:tt) => { include!(concat!(env!(\"OUT_DIR\"), $p)); } }",
        "// env!(\"OUT_DIR\")\nuse std::env; fn f() { env::var(\"OUT_DIR\"); std::env::var_os(\"OUT_DIR\"); }",
        "const V: &str = env!(\"CARGO_PKG_VERSION\"); const T: Option<&str> = option_env!(\"X\");",
        "fn f() { let path = \"/proc/x\"; }",
        "fn concat(env: u8) {} struct S { env: u8 } fn f() { println!(\"{}\", env); m!(a.env, env.b) }",
        "macro_rules! m { ($method:ident) => { $method!(a b) } }",
        "fn f() { println!(\"{}\", include_str!(concat!(env!(\"OUT_DIR\"), \"/x\"))) }",
        "fn f(name: &str) { let name = LitStr::new(name); quote!(let _ = ::core::env!(#name);) } fn g() { f(\"CARGO_PKG_NAME\") }",
        "const P: &str = dep::call! { option_env };",
        "fn f() { select! { env = read() => Some(env), () = wait() => None }; g(&mut env as *mut Env); }",
        "fn f() { m!(path = \"/\", x); } #[oai(path = \"/\", method = \"get\")] fn g() {}",
        "#[cfg(openssl)] #[path = \".\"] mod openssl { include!(concat!(env!(\"OUT_DIR\"), \"/x\")); mod aes; }",
    ] {
        assert!(used_otherwise(source).is_empty(), "{source}");
    }
}

#[test]
fn all_else_is_another_use() {
    for source in [
        "const N: usize = env!(\"OUT_DIR\").len();",
        "const N: usize = option_env!(\"OUT_DIR\").is_some() as usize;",
        "use std::env as e; const N: usize = e!(\"OUT_DIR\").len();",
        "const N: usize = env!(concat!(\"OUT_\", \"DIR\")).len();",
        "const N: usize = env!(\"OUT\\x5fDIR\").len();",
        "use core::{env as e}; const N: usize = e!(concat!(\"OUT_\", \"DIR\")).len();",
        "macro_rules! m { ($n:ident) => { $n!(concat!(\"OUT_\", \"DIR\")) } } const P: &str = m!(env);",
        "macro_rules! m { ($n:ident) => { $n!(stringify!(OUT_DIR)) } }",
        "m!(a, env, concat!(\"OUT_\", \"DIR\"));",
        "m!(env, \"OUT_DIR\");",
        "fn f(name: &str) { let name = format!(\"{name}_DIR\"); quote!(env!(#name)) }",
        "fn f(name: &str) { let name = \"CARGO_\".to_owned() + name; quote!(env!(#name)) }",
        "macro_rules! m { ($name:expr) => { env!($name) } }",
        "m!(include!(concat!(env!(\"OUT_DIR\"), \"/x\")));",
        "m! { fn f() { include_str!(concat!(env!(\"OUT_DIR\"), \"/x\")) } }",
        "macro_rules! m { () => { n!(include_str!(concat!(env!(\"OUT_DIR\"), \"/x\"))) } }",
        "const P: &str = concat!(env!(\"OUT_DIR\"), \"/x\");",
        "macro_rules! include_str { ($e:expr) => { $e } } const P: &str = include_str!(env!(\"OUT_DIR\"));",
        "use other::path as include_str; const P: &str = include_str!(env!(\"OUT_DIR\"));",
        "#[proc_macro] pub fn include_str(t: proc_macro::TokenStream) -> T { t }",
        "include!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/src/x.rs\"));",
        "include!(code());",
        "macro_rules! vec { () => { file!() } }",
        "use other::here as vec;",
        "#[path = \"..\"] mod a;",
        "const P: &str = include_dir!(\"$OUT_DIR/x\");",
        "fn f() { println!(\"{}\", env!(\"CARGO_MANIFEST_DIR\")) }",
        "const P: (&str, &str) = (include_str!(concat!(env!(\"OUT_DIR\"), \"/x\")), env!(\"OUT_DIR\"));",
    ] {
        assert!(!used_otherwise(source).is_empty(), "{source}");
    }
}

#[test]
fn only_the_variable_that_is_used_counts() {
    let used = used_otherwise("const P: &str = env!(\"OUT_DIR\");");
    assert_eq!(used, BTreeSet::from(["OUT_DIR".to_owned()]));
}

#[test]
fn most_sources_need_not_be_parsed() {
    for source in [
        "use std::path::Path; fn f(path: &Path) { let mut path = path; path = g(); } // a path",
        "fn f() { other::path(a, file_path = 1) }",
        "#[doc = \"Denver\"] fn include_all(environment: &str) { my_env!() }",
    ] {
        assert!(!may_read_or_include(source), "{source}");
    }
    for source in [
        "#[path /* a */ = \"b.rs\"] mod b;",
        "#[ /* a */ path = \"b.rs\"] mod b;",
        "#[ // a\npath // b\n = \"b.rs\"] mod b;",
        "#[cfg_attr(unix,path=\"b.rs\")] mod b;",
        "#[r#path = \"b.rs\"] mod b;",
    ] {
        assert!(may_read_or_include(source), "{source}");
    }
}

#[test]
fn included_files_are_named() {
    let source = "m!(path = \"x.rs\"); include!(\"a.in\"); #[cfg_attr(unix, path = \"b.rs\")] mod b; include_str!(\"c\"); include!(concat!(env!(\"X\"), \"/d.rs\"));";
    let tokens = tokens(source);
    let names: Vec<_> = included_files(&tokens).collect();
    assert_eq!(names, [("a.in", true), ("b.rs", false), ("/d.rs", false)]);
    // Relative to the source that uses the macro.
    for source in [
        "macro_rules! m { () => { mod a { include!(\"a.in\"); } } }",
        "macro m($x:expr) { include!(\"a.in\"); }",
        "quote!(include!(\"a.in\"));",
    ] {
        let tokens = super::tokens(source);
        assert!(included_files(&tokens).eq([("a.in", false)]), "{source}");
    }
}

#[test]
fn published_crates_have_macros_like_those_of_the_standard_library() {
    let used = |source: &str| super::used_otherwise(&tokens(source), Author::Published);
    assert!(used("macro_rules! println { () => { $crate::line() } }").is_empty());
    assert!(used("fn f() { macro_rules! concat { () => { 0 } } }").is_empty());
    assert!(!used("macro_rules! include_str { ($e:expr) => { $e } }").is_empty());
    assert!(used("fn f(env: &Env) { m!(self, g(env)) }").is_empty());
    assert!(!used("fn f() { m!(self, g(env)) }").is_empty());
    assert!(!used("macro_rules! n { ($env:ident) => { m!(env) } }").is_empty());
}

#[test]
fn plain_code_does_not_ask_for_its_path() {
    let may_ask = |source: &str| may_ask_for_place(&tokens(source));
    for source in [
        "pub mod private1 { #[doc(hidden)] pub use crate::private::*; }",
        "#[repr(C)] #[derive(Debug, Copy, ::std::clone::Clone)] pub struct S { a: [u8; 2] } impl S { fn f(&self) { panic!(\"{}\", !(true)) } }",
        "const V: &str = concat!(\"a\", std::stringify!(b)); static X: [u8; 1] = [1];",
    ] {
        assert!(!may_ask(source), "{source}");
    }
    for source in [
        "const P: &str = file!();",
        "const N: usize = dep::here!().len();",
        "const N: usize = dep::vec!().len();",
        "fn f() { dbg!(1); }",
        "#[derive(Clone)] struct S { #[other(file!())] a: u8 }",
    ] {
        assert!(may_ask(source), "{source}");
    }
    for source in [
        "#[tracing::instrument] fn f() {}",
        "#[derive(Clone, ::prost::Message)] struct S;",
        "#![cfg_attr(all(), other)]",
    ] {
        assert!(!may_ask(source), "{source}");
    }
    let attributes = |source: &str| macros_of_attributes(&tokens(source));
    let plain = "#![allow(unused)] #[derive(Clone, Debug)] struct S;";
    assert_eq!(attributes(plain), AttributeMacros::None);
    let derive = "#[derive(Clone, ::prost::Message)] struct S;";
    assert_eq!(attributes(derive), AttributeMacros::Derives);
    let any = format!("#[instrument] fn f() {{}} {derive}");
    assert_eq!(attributes(&any), AttributeMacros::Any);
}
