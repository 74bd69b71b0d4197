use super::super::tokens::{only, tokens};
use super::*;

fn kept(source: &str, features: &[&str]) -> String {
    let all = tokens(source);
    let features = features
        .iter()
        .flat_map(|name| ["--cfg".to_owned(), format!("feature=\"{name}\"")]);
    let conditions = Conditions::of_arguments(&features.collect::<Vec<_>>()).of_published();
    let inactive = inactive_code(&all, &conditions);
    let is_in = |at: usize| inactive.ranges.iter().any(|(a, b)| (*a..*b).contains(&at));
    let kept = only(&all, |at| !inactive.is_all && !is_in(at));
    kept.iter()
        .map(|token| token.text)
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn only_inactive_code_is_found() {
    for (source, wanted) in [
        ("#[cfg(test)] mod t { fn a() {} } b", "b"),
        ("#[cfg(test)]\nmod tests;\nb", "b"),
        ("#[cfg(test)] #[x] pub(crate) use a::{b, c}; d", "d"),
        ("#[cfg(all(test, x))] const A: B = B { c: 1 }; d", "d"),
        ("#[cfg(feature = \"no\")] fn a() {} b", "b"),
        ("#[cfg(not(feature = \"yes\"))] fn a() {} b", "b"),
        ("#[cfg(any(test, feature = \"no\"))] fn a() {} b", "b"),
        ("#![cfg(test)] a", ""),
        (
            "fn f() { #[cfg(test)] r#for.a(); { b } }",
            "fn f ( ) { { b } }",
        ),
        ("R { #[cfg(test)] union: m, b: { c } }", "R { b : { c } }"),
        ("R { #[cfg(test)] r#enum: m, b: { c } }", "R { b : { c } }"),
        (
            "R { #[cfg(test)] r#match: m, b: if c { d } else { e } }",
            "R { b : if c { d } else { e } }",
        ),
        (
            "#[cfg(test)] pub const extern \"C\" fn a() {} fn b() { c } use d;",
            "fn b ( ) { c } use d ;",
        ),
        (
            "fn f() { #[allow(x)] #[cfg(test)] a(b); c }",
            "fn f ( ) { # [ allow ( x ) ] c }",
        ),
        ("A { #[cfg(test)] b: c(d, e), f: g }", "A { f : g }"),
        (
            "#[cfg_attr(windows, path = \"w.rs\")] #[cfg_attr(unix, path = \"u.rs\",)] mod a;",
            "# [ cfg_attr ( unix , path = u.rs , ) ] mod a ;",
        ),
        ("A { b: c, #[cfg(test)] d: e }", "A { b : c , }"),
        ("fn f() { #[cfg(test)] { a::b(); c } d }", "fn f ( ) { d }"),
        (
            "fn f() { #[cfg(test)] let a = b { c } else { d }; e }",
            "fn f ( ) { e }",
        ),
        ("fn f() { #[cfg(test)] return a(b); c }", "fn f ( ) { c }"),
        (
            "fn f() { #[cfg(test)] if a { b } else if c { d } else { e } f }",
            "fn f ( ) { f }",
        ),
        (
            "fn f() { #[cfg(test)] for a in b(c) { d; } unsafe { e } }",
            "fn f ( ) { unsafe { e } }",
        ),
        ("fn f() { #[cfg(test)] unsafe { a } b }", "fn f ( ) { b }"),
        (
            "fn f() { #[cfg(test)] a::b(c); self.d(); e }",
            "fn f ( ) { self . d ( ) ; e }",
        ),
        (
            "fn f() { #[cfg(test)] self.a = b(|c| { d; }); e }",
            "fn f ( ) { e }",
        ),
        (
            "fn f() { #[cfg(test)] a(b)?; c(d) }",
            "fn f ( ) { c ( d ) }",
        ),
        ("fn f() { #[cfg(test)] a = b; c }", "fn f ( ) { c }"),
        (
            "macro_rules! m { (#[cfg(test)] mod a {}) => { #[cfg(test)] mod $t { a } b }; ($a:b) => {} }",
            "macro_rules ! m { ( # [ cfg ( test ) ] mod a { } ) = > { b } ; ( $ a : b ) = > { } }",
        ),
        (
            "fn f() { if !cfg!(feature = \"no\") { return None; } a.b() } c",
            "fn f ( ) { if ! cfg ! ( feature = no ) { return None ; } } c",
        ),
    ] {
        assert_eq!(kept(source, &["yes"]), wanted, "{source}");
    }
}

#[test]
fn what_may_be_compiled_is_kept() {
    for source in [
        "#[cfg(not(test))] fn a() {}",
        "#[cfg(any(test, x))] fn a() {}",
        "#[cfg(all(x, y))] fn a() {}",
        "#[cfg(feature = \"yes\")] fn a() {}",
        "m! { #[cfg(test)] fn a() {} }",
        "macro_rules! m { () => { n! { #[cfg(test)] fn a() {} } } }",
        "#[macro_export] macro_rules! m { () => { #[cfg(test)] fn a() {} } }",
        "#[cfg(test)] a: b, c",
        "#[cfg(test)] { a }",
        "use a::b; use c::d; impl S { fn n() -> S { S(1) } fn f<A, #[cfg(test)] T: X>(&self, a: A) { a() } }",
        "use a::b; use c::d; fn k() { b(); let a = |d: u8, #[cfg(test)] e: u8| f(); g(); }",
        "fn f() { if x { a(); } else if !cfg!(feature = \"no\") { return 1; } b() }",
        "fn f() { match x { true => if !cfg!(feature = \"no\") { return 1; } false => { a(); } } }",
        "fn f() { let y = x && if !cfg!(feature = \"no\") { return 1; } else { true }; a() }",
        "macro_rules! t { ($($t:tt)*) => { #[cfg(test)] impl $($t)* impl S { a } } }",
        "macro_rules! t { ($b:tt) => { #[cfg(test)] fn h() where u8: Copy, $b fn a() { b(); } } }",
        "macro_rules! t { ($b:tt) => { #[cfg(test)] trait H: $b fn a() { b(); } } }",
        "macro_rules! t { ($($d:ident),*) => { S { z: 1, #[cfg(test)] a: 2 $(, $d: b())* } } }",
        "macro_rules! t { ($b:tt) => { #[cfg(test)] a::m! $b c(); } }",
        "fn f() { match a { #[cfg(test)] union if a > 2 => b(), _ => { c() } } }",
        "fn f() { match a { #[cfg(test)] r#impl(2) => b(), r#impl(_) | C => { d() } } }",
        "fn f() { #[cfg(test)] r#use::m! { x } a(); }",
        // Raw identifiers.
        "enum E { #[cfg(test)] r#for, B { c: u8 } }",
        "fn f() { match a { #[cfg(test)] r#match => b, C => { d } } }",
        "fn f() { match a { #[cfg(test)] union => b, C => { d } } }",
        // Parameters.
        "fn f<#[cfg(test)] const N: usize>() { a } use b;",
        "impl S { fn f<#[cfg(test)] T: X>(&self) { a } fn g() { b } }",
        "impl S { fn f<A, #[cfg(test)] T: X>(&self) { a } fn g() { b } }",
        "mod m { struct S<#[allow(x)] #[cfg(test)] T = u8>(u8); fn f() { a } use b; }",
        "fn f() { let a = |#[cfg(test)] b: u8| c(); d(); }",
        "fn f() { let a = |#[allow(x)] #[cfg(test)] A(x): A| c(); d(); }",
        "fn f() { a(b | c, |d, #[cfg(test)] e: u8| g()); h(); }",
        // Arguments of macros.
        "macro_rules! m { ($a:expr, $b:block) => { #[cfg(test)] if $a $b c(); { d } } }",
        "macro_rules! m { ($b:block) => { #[cfg(test)] if a { b } else $b c(); { d } } }",
        "macro_rules! m { ($n:ident, $b:block) => { #[cfg(test)] fn $n() $b fn a() { b } } }",
        "macro_rules! m { ($n:ident, $b:block) => { #[test] fn $n() $b fn a() { b } } }",
        "macro_rules! m { ($n:ident, $b:tt) => { #[cfg(test)] struct $n $b fn a() { b } } }",
        "fn f() { #[cfg(test)] const { a } b(); c }",
        "fn f() { match a { #[cfg(test)] A::B(c) => d(), #[cfg(test)] E => { f; } g => h } i; }",
        "fn f() { a(#[cfg(test)] b(c), d); [#[cfg(test)] e.f, g] ; h }",
        "fn f() { #[cfg(test)] a::b! { c } d(); }",
        "fn f() { #[cfg(test)] default fn g() {} h(); }",
        "enum A { #[cfg(test)] B(C), D = 1 } e;",
        "fn f() { #[cfg(test)] a.b() } c;",
        "#[cfg_attr(test, x)] fn a() {}",
        "#[cfg_attr(test, x, path = \"a.rs\")] mod a;",
        "#[cfg_attr(x, path = \"a.rs\")] mod a;",
        "fn f() { if !cfg!(feature = \"yes\") { return; } a() }",
        "fn f() { g(); if !cfg!(test) { return; } fn g() {} }",
        "fn f() { if !cfg!(feature = \"no\") { return",
    ] {
        let all: Vec<_> = tokens(source).iter().map(|token| token.text).collect();
        assert_eq!(kept(source, &["yes"]), all.join(" "), "{source}");
    }
}
