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

/// The macro of cynic includes what a build script has generated for the crate that uses it.
#[test]
fn files_that_quoted_code_includes_are_code_of_the_crate_that_uses_the_macro() {
    const WRITES: &str =
        "fn f(n: &str) -> Item { parse_quote! { include!(concat!(env!(\"OUT_DIR\"), #n)); } }";
    let macros = published("it", WRITES);
    assert!(is_pure(&macros.inputs()), "{:?}", macros.inputs());
    let mut user = published("user", "it::schema!(\"shop\");");
    user.add_macros(&macros);
    assert!(user.inputs().is_unknown);
    for other in [
        "macro_rules! parse_quote { ($($t:tt)*) => { $($t)* }; }",
        "include!(env!(\"X\"));",
    ] {
        let found = published("it", &format!("{WRITES}\n{other}"));
        assert!(found.inputs().is_unknown, "{other}");
    }
}

/// `combine` exports it for its macros.
#[test]
fn the_standard_library_is_exported_for_macros_of_some_published_crates() {
    const EXPORTS: &str = "pub mod lib { pub use std::*; }";
    assert!(is_pure(&published("combine", EXPORTS).inputs()));
    assert!(published("it", EXPORTS).inputs().each_time().is_some());
    let own = effects_of_crate("combine", &[("src/lib.rs", EXPORTS)], Author::Other);
    assert!(own.inputs().each_time().is_some());
}

/// A name in the argument of a macro may be that of a module, whose items the macro names.
#[test]
fn a_module_in_the_argument_of_a_macro_has_the_effects_of_its_items() {
    let found = published("it", "use std::fs; fn f() { show!(fs); }").inputs();
    assert!(found.reads_files() && found.resolves_paths);
    assert!(found.each_time().is_some());
    assert_eq!(found.hidden_each_time(), None);
    assert_eq!(found.environment, None);
    let found = published("it", "use std::env; fn f() { show!(env); }").inputs();
    assert!(found.lists_variables);
}

/// `ctor` has a feature of this name, and `tokio` a module.
#[test]
fn a_feature_named_std_is_not_the_standard_library_in_some_published_crates() {
    let features = "features! { std \"std\" = include_std; }";
    for name in ["ctor", "dtor", "tokio"] {
        let found = published(name, features).inputs();
        assert!(is_pure(&found) && !found.lists_variables, "{found:?}");
        let own = effects_of_crate(name, &[("src/lib.rs", features)], Author::Other);
        assert!(own.inputs().lists_variables, "{name}");
        // What follows it says that it is.
        let reads = published(name, "features! { std::env::vars() }").inputs();
        assert!(reads.lists_variables, "{name}");
        let any = "macro_rules! m { ($name:ident) => { std::$name::vars() } }";
        assert!(published(name, any).inputs().lists_variables, "{name}");
    }
    assert!(published("it", features).inputs().lists_variables);
}

#[test]
fn a_condition_with_a_negated_name_is_no_macro() {
    for source in [
        "fn f() { if !has_include { let include = 1; add(include); } }",
        "use std::fs; fn f(fs: u8) { while !is_ready { add(fs); } }",
    ] {
        let found = published("it", source).inputs();
        assert!(is_pure(&found), "{found:?}");
    }
    let given = "fn f() { m!(include); }";
    assert!(published("it", given).inputs().each_time().is_some());
}

/// The maps of `http` keep the order of their entries, and `ignore` compares inodes.
#[test]
fn some_published_crates_use_random_numbers_and_inodes_for_nothing_else() {
    const HASHES: &str = "fn f() { RandomState::new().build_hasher(); }";
    const INODES: &str = "fn f() { std::fs::metadata(\"x\").unwrap().ino() }";
    for (name, source) in [("http", HASHES), ("ignore", INODES)] {
        let each_time = |name: &str| published(name, source).inputs().each_time();
        assert_eq!(each_time(name), None, "{name}");
        assert!(each_time("it").is_some(), "{name}");
    }
}

/// `prost-derive` uses it for `std::collections::HashMap`.
#[test]
fn a_published_macro_may_generate_code_with_the_whole_standard_library() {
    let source = "fn f() { let lib = quote! { std }; quote! { #lib::collections::HashMap } }";
    let generated = |name: &str| {
        let mut found = MacroEffects::default();
        found.add_macros(&published(name, source));
        found.runs.each_time()
    };
    assert_eq!(generated("prost-derive"), None);
    assert!(generated("other").is_some());
}
