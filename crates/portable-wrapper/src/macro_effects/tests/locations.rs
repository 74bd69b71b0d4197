//! Which uses of the name `file` ask for the path of a source.

use super::*;

#[test]
fn an_item_of_a_module_does_not_ask_for_the_source() {
    let keyword = "mod kw { syn::custom_keyword!(file); } fn f() { input.parse::<kw::file>() }";
    let published = effects_of(&[("src/lib.rs", keyword)], Author::Published);
    assert!(!published.inputs().asks_for_source);
    for source in [
        "fn f() { g(kw::file) }",
        "mod kw {} use std::panic::Location as kw; fn f() { g(kw::file) }",
        "mod kw {} mod a { type kw = Span; fn f() { g(kw::file) } }",
        "mod kw {} macro_rules! m { ($kw:ident) => { g($kw::file) } }",
        "mod kw {} fn f() { kw.file() }",
        "mod kw { pub fn file(s: Span) -> String { s.file() } } fn f() { g(kw::file(s)) }",
        "fn file(s: Span) -> String { s.file() } fn f() { file(s) }",
        "mod kw {} fn f() { let kw = a(); generate! { #kw::file() } }",
    ] {
        assert!(effects(source).asks_for_source, "{source}");
    }
}
