use super::*;

/// A unit with one dependency, `known`.
pub(super) struct OneDependency;

/// Its files.
const FILES: [(&str, &str); 3] = [
    (
        "src/lib.rs",
        r"
        pub mod files;
        pub mod options;
        mod private { pub fn name() {} pub fn text(text: &str) {} }
        pub use options::Options;
        pub use other::{Thing, text, size as long};
        pub use self::private::name as hidden;
        mod others { pub fn hidden(text: &str) {} }
        use std::path::Path;
        pub fn run(directory: &str) -> usize { directory.len() }
        pub fn generic<P: AsRef<Path>>(path: P) {}
        pub async unsafe fn modified(path: &str) {}
        fn own(path: &str) {}
        pub(crate) fn internal(path: &str) {}
        #[inline(always)] pub fn length(text: &str) -> usize { text.len() }
        #[inline(always)] #[doc = stringify!(fn x())] pub(self) fn second(text: &str) {}
        #[cfg_attr(fast, inline(always))] pub fn maybe(text: &str) {}
        #[cfg(fast)] pub fn fast(text: &str) {}
        pub const fn constant(text: &str) -> usize { text.len() }
        #[instrument] pub fn changed(text: &str) {}
        extern { pub fn foreign(text: &str); }
        pub struct Text(&'static str);
        pub fn twice(text: &str) {}
        pub mod made { pub const twice: fn(&str) = other::f; }
        #[cfg(test)] mod tests { fn run() {} define! { fn run() {} } }
        ",
    ),
    (
        "src/options.rs",
        r"
        pub struct Options { #[serde(default)] directory: String }
        #[allow(clippy::all)]
        impl Options {
            pub fn new(directory: &str) -> Self { Self { directory: directory.to_owned() } }
            #[inline(always)] pub fn fast(directory: &str) {}
            fn parse(text: &str) {}
        }
        impl From<&str> for Options { fn from(directory: &str) -> Self { Self::new(directory) } }
        #[methods] impl Other { pub fn open(path: &str) {} }
        pub struct Other;
        pub trait Named { fn name(text: &str) {} }
        ",
    ),
    (
        "src/files/mod.rs",
        "pub fn first(path: &str) {} pub mod second { pub fn read(path: &str) {} }",
    ),
];

fn functions_of(files: &[(&str, &str)]) -> FunctionsOfCrate {
    let files = files.iter();
    let files = files.map(|(path, text)| ((*path).into(), (*text).to_owned()));
    FunctionsOfCrate::of(&files.collect::<Vec<_>>())
}

impl Dependencies for OneDependency {
    fn has(&self, name: &str) -> bool {
        name == "known"
    }

    fn functions_of(&self, name: &str) -> Option<Rc<FunctionsOfCrate>> {
        self.has(name).then(|| Rc::new(functions_of(&FILES)))
    }
}

#[rstest::rstest]
#[case::by_its_path("", "known::run", true)]
#[case::from_the_root("", "::known::run", true)]
#[case::generic("", "known::generic", true)]
#[case::with_modifiers("", "known::modified", true)]
#[case::of_a_type("", "known::Options::new", true)]
#[case::of_a_module("", "known::files::first", true)]
#[case::of_an_inner_module("", "known::files::second::read", true)]
#[case::imported("use known::run;", "run", true)]
#[case::imported_in_a_group("use known::{generic, run};", "run", true)]
#[case::imported_in_two_modules("use known::run; mod m { use known::run; }", "run", true)]
#[case::imported_beside_others("use known::generic; use std::fs;", "known::run", true)]
#[case::of_an_imported_type("use known::Options;", "Options::new", true)]
#[case::of_an_imported_module("use known::files::second;", "second::read", true)]
#[case::beside_globs("use super::*; use std::io::prelude::*;", "known::run", true)]
#[case::in_an_arm("", "match x { _ => known::run", true)]
#[case::that_is_returned("", "return known::run", true)]
#[case::beside_an_inlined_function(
    "struct S; impl S { const fn new() -> S { S } }",
    "known::Options::new",
    true
)]
#[case::private("", "known::own", false)]
#[case::internal("", "known::internal", false)]
#[case::always_inlined("", "known::length", false)]
#[case::always_inlined_with_a_second_attribute("", "known::second", false)]
#[case::inlined_on_a_condition("", "known::maybe", false)]
#[case::compiled_on_a_condition("", "known::fast", false)]
#[case::constant("", "known::constant", false)]
#[case::an_attribute_of_another_crate("", "known::changed", false)]
#[case::foreign("", "known::foreign", false)]
#[case::in_a_constant("", "known::made::twice", false)]
#[case::also_the_name_of_a_constant("", "known::twice", false)]
#[case::of_another_module("", "known::files::run", false)]
#[case::of_a_module_only("", "known::first", false)]
#[case::the_constructor_of_a_struct("", "known::Text", false)]
#[case::always_inlined_in_a_type("", "known::Options::fast", false)]
#[case::private_in_a_type("", "known::Options::parse", false)]
#[case::of_a_trait("", "known::Options::from", false)]
#[case::of_a_changed_implementation("", "known::Other::open", false)]
#[case::declared_by_a_trait("", "known::Named::name", false)]
#[case::exported_again("", "known::text", false)]
#[case::exported_with_another_name("", "known::long", false)]
#[case::exported_under_the_name_of_another("", "known::hidden", false)]
#[case::a_type_that_is_exported_again("", "known::Thing::new", false)]
#[case::of_the_standard_library("", "known::Path::new", false)]
#[case::of_another_crate("", "dep::run", false)]
#[case::imported_with_another_name("use known::run as go;", "go", false)]
#[case::imported_by_a_glob("use known::*;", "run", false)]
#[case::beside_a_glob("use dep::*;", "known::run", false)]
#[case::beside_a_glob_in_a_module("use known::run; mod m { use dep::*; }", "run", false)]
#[case::beside_a_glob_of_a_module("mod known2 {} use known2::*; use known::run;", "run", true)]
#[case::imported_from_several("use known::run; mod m { use dep::run; }", "run", false)]
#[case::imported_from_the_own_crate("use known::run; mod m { use crate::o::run; }", "run", false)]
#[case::imported_through_a_type("use known::Thing::run;", "run", false)]
#[case::of_an_imported_crate("use dep::known;", "known::run", false)]
#[case::of_an_own_module("mod known { pub use dep::run; }", "known::run", false)]
#[case::of_a_renamed_crate("extern crate dep as known;", "known::run", false)]
#[case::in_a_variable("use known::run; fn g() { let run = dep::g; }", "run", false)]
#[case::in_a_pattern("use known::run; fn g() { if let Some(run) = x {} }", "run", false)]
#[case::in_a_loop("use known::run; fn g() { for run in x {} }", "run", false)]
#[case::in_a_parameter("use known::run; fn g(run: impl Fn(&str)) {}", "run", false)]
#[case::in_a_closure("use known::run; fn g() { x.map(|run| 1) }", "run", false)]
#[case::of_a_generic_parameter("fn g<known: dep::Tr>() {}", "known::run", false)]
#[case::declared(
    "use known::run; mod m { #[inline(always)] fn run() {} }",
    "run",
    false
)]
#[case::a_method("", "known.run", false)]
#[case::of_a_generic_type("", "Vec::<known::Options>::new", false)]
#[case::of_an_associated_type("", "<known::Options>::new", false)]
fn functions_of_dependencies_are_found(
    #[case] imports: &str,
    #[case] function: &str,
    #[case] is_known: bool,
) {
    let ends = if function.starts_with("match") {
        ") }"
    } else {
        ");"
    };
    for text in [r#""/w""#, r#"&["/w"]"#] {
        let source = format!("{imports} fn f() {{ {function}({text}{ends} }}");
        let is_text = |text: &str| text.contains("/w");
        let may_compute = may_compute_from(&source, is_text, &OneDependency);
        assert_eq!(may_compute, !is_known, "{source}");
    }
}

#[rstest::rstest]
#[case::nothing_else("", true)]
#[case::an_own_glob("pub use self::m::*; use other::x; mod m {}", true)]
#[case::a_glob_of_a_module("mod m {} pub use m::*;", true)]
#[case::a_glob_of_another_crate("pub use other::*;", false)]
#[case::a_glob_in_a_group("pub(crate) use other::{a::*};", false)]
#[case::a_glob_of_an_imported_crate("extern crate other; pub use self::other::*;", false)]
#[case::a_glob_beside_an_inner_module("pub use other::*; pub mod m { mod other {} }", false)]
#[case::a_glob_from_the_root("mod other {} pub use ::other::*;", false)]
#[case::a_glob_of_what_a_private_glob_imports("use other::*; pub use self::m::*;", false)]
#[case::a_private_glob_beside_code("#![deny(x)] use rayon::prelude::*; mod a {} use a::*;", true)]
#[case::macros_in_constants(
    "pub const V: &str = env!(X); const _: () = assert!(y); static A: T = z::w!(1);",
    true
)]
#[case::a_macro_that_inlines(
    "macro_rules! m { () => { #[inline(always)] pub fn other() {} } }",
    false
)]
#[case::a_macro_that_writes_items("define!(run);", false)]
#[case::a_macro_2("pub macro m() {}", false)]
#[case::an_inner_attribute("pub fn other() { #![inline(always)] }", false)]
#[case::an_attribute_of_a_closure("fn other() { g(#[inline(always)] || 1) }", false)]
#[case::a_path_of_a_module("#[path = \"m.in\"] mod m;", false)]
#[case::an_included_file("include!(\"m.in\");", false)]
#[case::an_open_bracket("fn other() {", false)]
#[case::an_open_attribute("fn other() {} #[", false)]
#[case::a_condition("#![cfg(fast)]", false)]
fn crates_whose_functions_are_not_found_have_none(#[case] more: &str, #[case] is_known: bool) {
    let source = format!("pub fn run() {{}}\n{more}");
    let functions = functions_of(&[("lib.rs", &source)]);
    assert_eq!(functions.has(&["run"]), is_known);
}

#[rstest::rstest]
#[case::an_own_type("pub use config::Config;", "", true)]
#[case::private_imports(
    "use anyhow::Result; use crate::{config::Config, other::Result};",
    "use std::path::Path;",
    true
)]
#[case::of_another_crate_through_a_module("pub use reexports::ext::Config;", "pub use ext;", false)]
#[case::all_of_another_crate_through_a_module(
    "pub use reexports::ext::*;",
    "pub extern crate ext;",
    false
)]
#[case::through_two_modules(
    "pub use first::ext::Config;",
    "pub use second::ext; pub mod second { pub use ext; }",
    false
)]
#[case::through_a_private_import("use ext; pub use self::ext::Config;", "", false)]
fn what_another_crate_exports_through_this_one_is_not_known(
    #[case] root: &str,
    #[case] reexports: &str,
    #[case] is_known: bool,
) {
    let config = "pub struct Config; impl Config { pub fn new(t: &str) {} } pub struct Other; impl Other { pub const fn new() {} }";
    let root = format!("mod config; mod reexports; {root}");
    let files = [
        ("lib.rs", &*root),
        ("reexports.rs", reexports),
        ("config.rs", config),
    ];
    let functions = functions_of(&files);
    assert_eq!(functions.has(&["Config", "new"]), is_known, "{functions:?}");
}

#[rstest::rstest]
#[case::in_another_module(
    r#"mod util { pub fn load(_: &str) {} } mod a { use known::*; fn f() { load("/w"); } }"#,
    true
)]
#[case::of_a_type_in_another_module(
    r#"mod q { pub struct O; impl O { pub fn new(_: &str) {} } } mod a { use known::*; fn f() { O::new("/w"); } }"#,
    true
)]
#[case::through_an_own_module(
    r#"mod common { pub use known::*; } mod q { pub fn load(_: &str) {} } mod a { use crate::common::load; fn f() { load("/w"); } }"#,
    true
)]
#[case::of_the_standard_library(r#"use known::*; fn f() { open("/w"); }"#, true)]
#[case::declared_next_to_the_glob(
    r#"mod tests { use super::*; use known::*; fn load(_: &str) {} fn f() { if x { load("/w"); } } }"#,
    false
)]
#[case::declared_in_the_module_around_it(
    r#"fn load(_: &str) {} mod tests { use super::*; use known::*; fn f() { load("/w"); } }"#,
    false
)]
#[case::declared_elsewhere(
    r#"mod m { fn load(_: &str) {} } mod tests { use super::*; use known::*; fn f() { load("/w"); } }"#,
    true
)]
#[case::with_what_rstest_imports(
    r#"mod m { pub fn load(_: &str) {} } use m::load; fn f() { { use rstest::magic_conversion::*; } load("/w"); }"#,
    false
)]
#[case::of_the_same_type(
    r#"use known::*; struct O; impl O { fn new(_: &str) {} fn f() { Self::new("/w"); O::new("/w"); } }"#,
    false
)]
fn names_beside_a_glob_are_those_of_the_same_block(
    #[case] source: &str,
    #[case] may_compute: bool,
) {
    let is_text = |text: &str| text.contains("/w");
    assert_eq!(
        may_compute_from(source, is_text, &OneDependency),
        may_compute
    );
}
