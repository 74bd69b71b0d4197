//! Where the names come from that a source uses.

use super::tests_of_dependencies::OneDependency;
use super::*;

#[rstest::rstest]
#[case::a_type_that_a_function_imports_by_a_glob(
    r#"use std::path::Path; fn f() { use self::own::*; Path::new("/w"); } mod own { pub struct Path; impl Path { #[inline(always)] pub fn new(a: &str) {} } }"#,
    true
)]
#[case::a_type_that_a_function_imports_from_everything_of_another_crate(
    r#"use std::path::Path; fn f() { use dep::*; Path::new("/w"); }"#,
    true
)]
#[case::a_module_that_a_function_imports_by_a_glob(
    r#"use std::fs; fn f() { use self::own::*; fs::read("/w"); } mod own { pub mod fs { #[inline(always)] pub fn read(a: &str) {} } }"#,
    true
)]
#[case::a_type_beside_a_glob_of_the_standard_library(
    r#"use std::path::Path; fn f() { use std::io::prelude::*; Path::new("/w"); }"#,
    false
)]
#[case::a_type_of_a_glob_of_another_crate(
    r#"use dep::*; mod m { use std::path::Path; } fn f() { Path::new("/w"); }"#,
    true
)]
#[case::a_type_of_a_glob_beside_the_one_of_the_module_around(
    r#"mod m { use super::*; use dep::*; fn f() { Path::new("/w"); } } mod n { use std::path::Path; }"#,
    true
)]
#[case::a_type_that_is_exported_by_a_glob(
    r#"mod m { use crate::own::*; fn f() { Path::new("/w"); } } mod own { pub use dep::*; } mod n { use std::path::Path; }"#,
    true
)]
#[case::a_type_of_an_own_prelude(
    r#"mod m { use crate::own::*; fn f() { Path::new("/w"); } } mod own { pub use std::path::Path; }"#,
    false
)]
#[case::a_type_of_an_own_prelude_with_another_name(
    r#"mod m { use crate::own::*; fn f() { Path::new("/w"); } } mod own { pub struct P; pub use P as Path; } use std::path::Path;"#,
    true
)]
#[case::a_type_of_the_prelude_in_tests(
    r#"use dep::*; mod m { mod tests { use super::*; fn f() { String::from("/w"); } } }"#,
    false
)]
#[case::a_type_of_an_own_module_in_a_function(
    r#"mod glob { pub struct Path; impl Path { pub const fn new(a: &str) -> bool { true } } } fn f() { use glob::Path; Path::new("/w"); }"#,
    true
)]
#[case::a_type_of_an_own_module_with_the_name_of_a_crate(
    r#"use crate::own as glob; fn f() { use glob::Path; Path::new("/w"); } mod own {}"#,
    true
)]
#[case::the_imports_of_expanded_code(
    r#"extern crate std; use std::prelude::rust_2021::*; use std::path::Path; fn f() { Path::new("/w"); String::from("/w"); ::std::path::PathBuf::from("/w"); }"#,
    false
)]
#[case::a_crate_with_the_name_of_another(
    r#"extern crate dep as glob; fn f() { use glob::Path; Path::new("/w"); }"#,
    true
)]
#[case::a_type_that_another_module_imports_from_another_crate(
    r#"use std::path::Path; fn f() { Path::new("/w"); } mod m { use dep::Path; }"#,
    false
)]
#[case::a_type_that_a_module_imports_from_another_crate(
    r#"use std::path::Path; mod m { use dep::Path; fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_type_that_a_function_imports_from_another_crate(
    r#"use std::path::Path; fn f() { use dep::Path; Path::new("/w"); }"#,
    true
)]
#[case::a_type_that_a_function_imports(
    r#"use dep::Path; fn f() { use std::{fs, path::{Path, PathBuf}}; Path::new("/w"); }"#,
    false
)]
#[case::a_type_that_the_module_around_imports(
    r#"mod a { use dep::Path; } use std::path::Path; mod m { use super::*; fn f() { Path::new("/w"); } }"#,
    false
)]
#[case::a_type_that_the_module_around_imports_from_another_crate(
    r#"mod a { use std::path::Path; } use dep::Path; mod m { use super::*; fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_type_that_the_function_around_a_module_imports(
    r#"use dep::Path; fn f() { use std::path::Path; mod m { use super::*; fn f() { Path::new("/w"); } } }"#,
    true
)]
#[case::a_type_that_another_module_declares(
    r#"use std::path::Path; fn f() { Path::new("/w"); } mod m { struct Path; }"#,
    false
)]
#[case::a_type_that_a_function_declares(
    r#"use std::path::Path; fn f() { type Path = dep::Path; Path::new("/w"); }"#,
    true
)]
#[case::a_type_with_another_name(
    r#"use std::path::{Path as P, PathBuf}; mod m { use std::path::Path; } use dep::*; fn f() { Path::new("/w"); }"#,
    true
)]
#[case::a_type_of_an_own_module(
    r#"use dep::Path; mod m { use crate::own::Path; fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_type_of_a_hidden_crate(
    r#"mod std { pub mod path { pub use dep::Path; } } use std::path::Path; fn f() { Path::new("/w"); }"#,
    true
)]
#[case::a_module_of_another_crate_that_is_exported_again(
    r#"pub use dep::prelude; mod n { pub use std::path::Path; } mod m { use crate::prelude::*; pub fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_crate_that_is_declared(
    r#"extern crate dep; mod n { pub use std::path::Path; } mod m { use crate::dep::prelude::*; pub fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_crate_with_another_name(
    r#"pub use dep as d; mod n { pub use std::path::Path; } mod m { use crate::d::prelude::*; pub fn f() { Path::new("/w"); } }"#,
    true
)]
#[case::a_module_of_another_crate_in_the_module_around(
    r#"use std::path::Path; pub fn z(_: &Path) {} mod o { pub use dep::prelude; mod m { use super::prelude::*; pub fn f() { Path::new("/w"); } } }"#,
    true
)]
#[case::a_function_in_such_a_module(
    r#"pub use dep::prelude; mod n { pub fn g(_: &str) {} } mod m { use crate::prelude::*; pub fn f() { g("/w"); } }"#,
    true
)]
#[case::a_module_with_the_name_of_another(
    r#"mod a { pub mod prelude {} pub fn g(_: &str) {} } mod b { use dep::prelude; use prelude::*; pub fn f() { g("/w"); } }"#,
    true
)]
#[case::a_type_of_an_own_module_that_exports_everything_of_another_crate(
    r#"mod own { pub use dep::prelude::*; } mod n { pub use std::path::Path; } use crate::own::Path; pub fn f() { Path::new("/w"); }"#,
    true
)]
#[case::a_type_of_the_prelude_of_such_a_module(
    r#"mod own { pub use dep::prelude::*; } use own::String; pub fn f() { String::from("/w"); }"#,
    true
)]
#[case::a_module_of_such_a_module_in_a_function(
    r#"mod own { pub use dep::prelude::*; } use std::fs; pub fn z() { let _ = fs::read("x"); } pub fn f() { use crate::own::fs; fs::read("/w"); }"#,
    true
)]
#[case::an_own_module_that_uses_everything_of_another_crate(
    r#"mod common { use dep::x::*; pub use std::path::{Path, PathBuf}; } mod t { use crate::common::*; pub fn f() { Path::new("/w"); } }"#,
    false
)]
#[case::a_module_of_which_only_a_type_is_imported(
    r#"use std::fs::File; pub fn f() { let _ = File::open("x"); fs::read("/w"); }"#,
    true
)]
#[case::a_crate_with_the_name_of_an_imported_module(
    r#"use std::fs; pub fn f() { let _ = fs::read("x"); ::fs::read("/w"); }"#,
    true
)]
#[case::an_associated_type(
    r#"use std::path::Path; pub fn f(_: &Path) { <dep::S as dep::Tr>::Path::new("/w"); }"#,
    true
)]
#[case::a_module_that_is_imported_with_its_contents(
    r#"use std::io::{self, Write as _}; pub fn f() -> io::Result<()> { let _ = std::fs::read("/w"); io::stdout().write_all(b"x") }"#,
    false
)]
#[case::a_renamed_trait_in_another_module(
    r#"mod a { use std::fmt::{self, Write as _}; pub fn f(s: &mut String, x: &dyn fmt::Debug) { write!(s, "{:?}", x).unwrap(); } } mod b { use std::path::Path; pub fn f() { Path::new("/w"); } }"#,
    false
)]
#[case::a_renamed_module(
    r#"use std::io::{self as stdio, Read as _}; pub fn f() { let _ = std::fs::read("/w"); let _ = stdio::stdin().read(&mut []); }"#,
    false
)]
#[case::a_renamed_trait_in_a_group_of_the_crate(
    r#"use std::{fmt::Write as _, path::Path}; pub fn f() { Path::new("/w"); }"#,
    false
)]
#[case::the_variants_of_an_enum(
    r#"use std::path::Path; pub enum Kind { A, B } pub fn f(k: Kind) -> usize { use Kind::*; Path::new("/w"); match k { A => 1, B => 2 } }"#,
    false
)]
#[case::the_variants_of_an_enum_by_its_path(
    r#"use std::path::PathBuf; pub enum E { A } impl E { pub fn p(&self) -> PathBuf { use self::E::*; match self { A => PathBuf::from("/w") } } }"#,
    false
)]
#[case::a_renamed_type(
    r#"use std::path::{Path as P, PathBuf}; pub fn f() { P::new("/w"); }"#,
    true
)]
#[case::a_module_named_core(
    r#"mod core { pub fn x() {} } use std::path::Path; pub fn f() { core::x(); Path::new("/w"); std::fs::read("/w").ok(); }"#,
    false
)]
fn what_is_imported_decides(#[case] source: &str, #[case] expected: bool) {
    assert_eq!(
        may_compute_from(source, |text| text.contains("/w"), &OneDependency),
        expected
    );
}
