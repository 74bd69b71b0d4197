use super::*;

/// Two crates, each of which is harmless alone.
#[test]
fn effects_of_several_crates_combine() {
    let mut clock = effects_of(
        &[("src/lib.rs", "pub use std::time::SystemTime as Clock;")],
        Author::Published,
    );
    assert_eq!(clock.inputs().each_time(), None);
    clock.add(&effects_of(
        &[("src/lib.rs", "fn f() { clock::Clock::now() }")],
        Author::Other,
    ));
    assert!(clock.inputs().each_time().is_some());

    let quotes = "fn f() { quote! { std::env::vars() } }";
    let quoting = effects_of(&[("src/lib.rs", quotes)], Author::Other);
    assert_eq!(quoting.inputs().environment, None);
    for other in [
        "#[macro_export] macro_rules! quote { ($($t:tt)*) => { $($t)* } }",
        "#[proc_macro] #[doc(hidden)] pub fn quote() {}",
        "define!(quote $);",
        "macro_rules! write { ($f:ident, $name:ident) => { define!($name); } } write!(f, quote);",
        "use other::write; write!(f, quote);",
    ] {
        let mut quoting = quoting.clone();
        quoting.add(&effects_of(&[("src/lib.rs", other)], Author::Other));
        assert!(quoting.inputs().environment.is_some(), "{other}");
    }
    // As in quick-xml.
    let mut quoting = quoting;
    let shown = "fn f() { write!(f, \"missing `{}`\", *quote as char) }";
    quoting.add(&effects_of(&[("src/lib.rs", shown)], Author::Other));
    assert_eq!(quoting.inputs().environment, None);
}

/// A macro of a dependency generates code of another crate of macros.
#[test]
fn generated_code_may_run_in_a_dependent_macro() {
    for writes in [
        "fn f() { quote! { std::env::vars() } }",
        "fn f() { \"std::env::vars().count()\".parse() }",
        "fn f() { \"std::env::var(\\\"A\\\")\".parse() }",
    ] {
        let below = effects_of(&[("src/lib.rs", writes)], Author::Other);
        assert_eq!(below.inputs().environment, None, "{writes}");
        let mut above = effects_of(&[("src/lib.rs", "fn f() { below::m!() }")], Author::Other);
        above.add_macros(&below);
        assert!(above.inputs().environment.is_some(), "{writes}");
    }
}
