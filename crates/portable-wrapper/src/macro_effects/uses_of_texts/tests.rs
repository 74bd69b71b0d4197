use super::tests_of_dependencies::OneDependency;
use super::*;

#[rstest::rstest]
#[case::a_call(
    r#"use std::path::{Path, PathBuf}; fn f() { Path::new("/w").join("x"); g(PathBuf::from(&"/w")); }"#,
    false
)]
#[case::an_own_function(
    r#"fn f(path: &str) -> usize { path.as_bytes().len() } fn g() { f("/w"); }"#,
    false
)]
#[case::a_method(r#"fn f() { let text = "/w".to_owned() + "x"; }"#, false)]
#[case::a_template(r#"fn f() { format_args!("{0} {1}", 1, "/w"); }"#, false)]
#[case::a_comparison(
    r#"fn f() { match (&"/w", &x) { (left_val, right_val) => {} } }"#,
    false
)]
#[case::a_comparison_with_any_type(r#"fn f() { x == "/w"; }"#, true)]
#[case::a_comparison_with_a_constant(r#"const A: &str = "/w"; fn f() { if A == x {} }"#, true)]
#[case::a_match_of_a_pair(
    r#"fn f() { match (&"/w", &x) { (left, right) => *right == *left } }"#,
    true
)]
#[case::a_result(r#"fn f() -> &'static str { "/w" } fn g() { h(|| "/w"); }"#, false)]
#[case::an_array(
    r#"fn g(a: [&str; 2]) {} fn f() { g(["/w", "x"]); g(&["/w"]); for a in ["/w"] {} let b = ["/w", "x"].join("/"); }"#,
    false
)]
#[case::a_vector(
    r#"fn f() { ::alloc::boxed::box_assume_init_into_vec_unsafe(::alloc::intrinsics::write_box_via_move(::alloc::boxed::Box::new_uninit(), ["/w"])).concat(); }"#,
    false
)]
#[case::an_array_in_a_variable(
    r#"fn g(a: &[&str]) {} fn f() { let k: &[&str] = &["/w"]; g(k); g(&k); }"#,
    false
)]
#[case::an_element_of_a_constant(
    r#"const A: [&str; 1] = ["/w"]; fn g(a: &str) {} fn f() { g(A[0]); format_args!("{0}", A[0]); }"#,
    false
)]
#[case::an_array_of_an_unknown_function(r#"fn f() { dep::g(&["/w"]); }"#, true)]
#[case::an_array_in_a_variable_of_an_unknown_function(
    r#"fn f() { let a = &["/w"]; dep::g(a); }"#,
    true
)]
#[case::a_reference_to_an_element(
    r#"const A: &[&str] = &["/w"]; fn g(a: &&str) {} fn f() { g(&A[0]); }"#,
    true
)]
#[case::an_element_of_an_unknown_function(
    r#"const A: &[&str] = &["/w"]; fn f() { dep::g(A[0]); }"#,
    true
)]
#[case::an_index(r#"fn f() { x["/w"]; }"#, true)]
#[case::an_operator(r#"fn f() { g(dep::X | "/w"); } fn g(a: u8) {}"#, true)]
#[case::an_operator_behind_a_block(r#"fn f() -> u8 { dep::X {} & "/w" }"#, true)]
#[case::an_imported_group(r#"use {std::io, dep::write}; fn f() { write("/w"); }"#, true)]
#[case::a_crate_that_is_exported_again(
    r#"pub use dep; use crate::dep::write; fn f() { write("/w"); }"#,
    true
)]
#[case::an_export_of_a_module(
    r#"mod m { pub use dep::inl; } use m::inl as g; mod n { pub fn g(_: u8) {} } fn f() { g("/w"); }"#,
    true
)]
#[case::a_module_without_an_import(r#"fn f() { fs::write("/w"); }"#, true)]
#[case::another_name_of_a_crate(r#"extern crate dep as fs; fn f() { fs::write("/w"); }"#, true)]
#[case::a_generic_type_of_that_name(
    r#"use std::path::Path; fn f<Path: dep::Tr>() { Path::new("/w"); }"#,
    true
)]
#[case::a_function_of_the_own_type(
    r#"struct S; impl S { fn new(path: &str) -> Self { S } fn f() { Self::new("/w"); } }"#,
    false
)]
#[case::a_function_of_a_trait_of_the_own_type(
    r#"struct S; struct T; impl T { fn new(path: &str) {} } impl S { fn f() { Self::new("/w"); } }"#,
    true
)]
#[case::a_function_in_a_variable(r#"fn f() { let write = dep::write; write("/w"); }"#, true)]
#[case::a_type_behind_a_bound(
    r#"struct Q; struct S<F>(F); impl<F: Fn() -> Q> S<F> { fn new(path: &str) {} } fn f() { Q::new("/w"); }"#,
    true
)]
#[case::a_variable(
    r#"fn f() { let mut path: &str = "/w"; g(path); } fn g(path: &[u8]) { path.as_ptr() }"#,
    false
)]
#[case::a_constant(
    r#"use std::path::Path; const A: &str = "/w"; mod b { fn f() { g::<u8>(Path::new(super::A)) } }"#,
    false
)]
#[case::a_snapshot(
    r#"fn f() { let path = { const A: W = if let Some(root) = None::<&'static str> { W::UseAsIs(root) } else { ::insta::W::DetectWithCargo("/w") }; get_cargo_workspace(A) }; }"#,
    false
)]
#[case::a_lazy_static(
    r#"use std::path::PathBuf; static A: LazyLock<PathBuf> = LazyLock::new(|| PathBuf::from("/w"));"#,
    false
)]
#[case::a_function_of_a_type(
    r#"struct S(String); impl S { fn new(path: &str) -> Self { S(path.into()) } } fn f() { S::new("/w"); }"#,
    false
)]
#[case::an_own_function_of_a_module(
    r#"mod m { pub fn g(path: &str) {} } use m::g; fn f() { g("/w"); }"#,
    false
)]
#[case::an_imported_function(
    r#"mod m { fn g(path: &str) {} } use dep::{a, b::g}; fn f() { g("/w"); }"#,
    true
)]
#[case::a_path_from_the_standard_library(
    r#"use std::fs; use std::path::{Path, PathBuf}; fn f() { fs::read("/w"); ::std::path::PathBuf::from("/w"); Path::new("/w"); }"#,
    false
)]
#[case::a_function_that_is_called_as_one_of_the_standard_library(
    r#"fn f() { dep::Id::from("/w"); }"#,
    true
)]
#[case::a_type_that_is_called_as_one_of_the_standard_library(
    r#"use dep::Path; fn f() { Path::new("/w"); }"#,
    true
)]
#[case::a_type_in_another_crate(r#"fn f() { dep::Path::new("/w"); }"#, true)]
#[case::a_module_that_is_called_as_one_of_the_standard_library(
    r#"mod fs { pub use dep::write; } fn f() { fs::write("/w"); }"#,
    true
)]
#[case::an_imported_module(r#"use dep as fs; fn f() { fs::write("/w"); }"#, true)]
#[case::an_imported_function_of_that_name(r#"use dep::write; fn f() { write("/w"); }"#, true)]
#[case::an_own_function_that_another_module_imports(
    r#"mod a { pub fn g(path: &str) {} } mod b { pub use dep::g; } use b::g; fn f() { g("/w"); }"#,
    true
)]
#[case::the_end_of_a_range(
    r#"const A: &str = "/w"; static R: usize = (0..A.len() + 1).end;"#,
    true
)]
#[case::an_imported_type(
    r#"mod m { struct S; impl S { fn new(path: &str) {} } } use dep::S; fn f() { S::new("/w"); }"#,
    true
)]
#[case::a_function_of_a_trait(
    r#"struct S; impl S { fn old(path: &str) {} } fn new() {} fn f() { S::new("/w"); }"#,
    true
)]
#[case::a_generic_parameter(
    r#"struct S; impl S { fn new(path: &str) {} } fn f<S: dep::New>() { S::new("/w"); }"#,
    true
)]
#[case::a_function_of_another_type(
    r#"struct S(String); impl S { fn new(path: &str) -> Self { S(path.into()) } } fn f() { dep::S::new("/w"); }"#,
    true
)]
#[case::a_variant(
    r#"fn f() -> Option<&'static str> { Some("/w") } fn g(a: Result<&str, u8>) {} fn h() { g(Ok("/w")); }"#,
    false
)]
#[case::a_result_behind_statements(
    r#"fn f(a: bool) -> Option<&'static str> { if a { return None; } Some("/w") } fn g() -> &'static str { h(); "/w" }"#,
    false
)]
#[case::a_result_of_a_block(r#"fn f() { let a = { g(); "/w" }; a.as_bytes().len() }"#, true)]
#[case::an_argument_behind_a_block(r#"fn f() { S { a, "/w" }; [{} "/w"]; }"#, true)]
#[case::a_variant_in_a_variable(
    r#"fn f() { let a = Some("/w"); if let Some(b) = a { b.as_bytes().len() } }"#,
    true
)]
#[case::a_variant_that_is_matched(r#"fn f() { Some("/w").map(|b| b.as_bytes().len()); }"#, true)]
#[case::an_argument_of_a_block(r#"fn f() { g({ Some("/w") }); }"#, true)]
#[case::bytes(r#"fn f() { "/w".as_bytes().len(); }"#, true)]
#[case::bytes_of_a_variable(r#"fn f() { let path = "/w"; path.as_bytes().len(); }"#, true)]
#[case::a_block(r#"fn f() { let path = { "/w" }; path.as_bytes().len(); }"#, true)]
#[case::parentheses(r#"fn f() { let path = ("/w"); path.as_bytes().len(); }"#, true)]
#[case::a_later_value(r#"fn f() { let path; path = "/w"; path.as_bytes().len(); }"#, true)]
#[case::a_cast(r#"fn f() { g("/w" as *const str as *const u8, 4150) }"#, true)]
#[case::an_unknown_function(
    r#"fn f() { let path = identity("/w"); path.as_bytes().len(); }"#,
    true
)]
#[case::a_struct(r#"fn f() { let w = W("/w"); w.0.as_bytes().len(); }"#, true)]
#[case::a_pattern(r#"fn f() { match "/w" { path => path.as_bytes().len() } }"#, true)]
#[case::a_function_of_a_dependency(
    r#"fn first() {} fn f() { dep::first("/w"); x.first("/w"); }"#,
    true
)]
#[case::an_inlined_function(
    r#"#[inline(always)] fn f(path: &str) -> usize { 1 } fn g() { f("/w"); }"#,
    true
)]
#[case::an_inlined_function_of_a_type(
    r#"struct S; impl S { const fn new(a: &str) -> Self { S } } fn g() { S::new("/w"); }"#,
    true
)]
#[case::a_function_of_another_type(
    r#"use std::path::Path; struct S; impl S { const fn new() -> Self { S } } fn g() { Path::new("/w"); }"#,
    false
)]
#[case::a_function_of_a_type_with_the_same_name(
    r#"use std::path::Path; mod m { struct Path; impl Path { const fn new(a: &str) -> Self { Path } } fn g() { Path::new("/w"); } }"#,
    true
)]
#[case::a_method_with_the_name_of_an_inlined_function(
    r#"trait T { #[inline(always)] fn join(&self, a: &str) {} } fn g(a: &str) { a.join("/w"); }"#,
    true
)]
#[case::a_generic_parameter(
    r#"use std::path::Path; fn f<Path: dep::Tr>() { Path::new("/w"); }"#,
    true
)]
#[case::an_inlined_function_of_an_own_trait(
    r#"use std::path::Path; trait T { fn open(a: &str); } impl T for Path { #[inline(always)] fn open(a: &str) {} } fn f() { Path::open("/w"); }"#,
    true
)]
#[case::an_inlined_function_of_a_trait_of_the_standard_library(
    r#"struct S; impl From<&str> for Box<S> { #[inline(always)] fn from(a: &str) -> Self { Box::new(S) } } fn f() { Box::from("/w"); }"#,
    true
)]
#[case::a_function_that_the_type_has_by_a_trait(
    r#"use std::path::Path; use dep::Open; fn f() { Path::open("/w"); String::var("/w"); }"#,
    true
)]
#[case::a_function_of_a_trait_of_another_crate(
    r#"use dep::FromStr2; pub fn f() { String::from_str("/w"); }"#,
    true
)]
#[case::a_box_of_a_type_of_another_crate(r#"pub fn f() -> Box<dep::B> { Box::from("/w") }"#, true)]
#[case::a_method_of_an_own_trait(
    r#"pub struct A(usize); impl AsRef<A> for str { #[inline(always)] fn as_ref(&self) -> &A { static X: A = A(1); static Y: A = A(2); if self.len() > 5 { &X } else { &Y } } } pub fn f() -> &'static A { "/w".as_ref() }"#,
    true
)]
#[case::a_trait_with_a_constant_parameter(
    r#"trait T<const N: usize> { fn from(a: &str) -> usize; } impl T<{ 1 + 1 }> for String { #[inline(always)] fn from(a: &str) -> usize { a.len() } } fn f() { String::from("/w"); }"#,
    true
)]
#[case::a_function_in_a_constant(
    r#"mod a { pub fn g(_: &str) {} } #[inline(always)] fn h(a: &str) -> usize { a.len() } mod b { const g: fn(&str) -> usize = super::h; pub fn f() { g("/w"); } }"#,
    true
)]
#[case::the_own_type_in_a_nested_implementation(
    r#"pub struct T; impl T { pub fn new(_: &str) {} fn x() { } } trait U { fn y(); } impl T { pub fn z() { struct Q; impl U for Q { fn y() { } } impl U for dep::Own { fn y() { Self::new("/w"); } } } }"#,
    true
)]
#[case::a_function_beside_an_inlined_function_of_an_own_trait(
    r#"use std::path::Path; pub trait Backend { fn new() -> Self; } pub struct S; impl Backend for S { #[inline(always)] fn new() -> Self { S } } pub fn f() { Path::new("/w"); }"#,
    false
)]
#[case::a_function_beside_an_inlined_method(
    r#"use std::fs; struct W; impl std::io::Write for W { #[inline(always)] fn write(&mut self) {} } pub fn f() { fs::write("/w", "x"); }"#,
    false
)]
#[case::a_function_beside_an_inlined_function_of_an_own_type(
    r#"struct S; impl From<u8> for S { #[inline(always)] fn from(a: u8) -> Self { S } } pub fn f() { String::from("/w"); }"#,
    false
)]
#[case::methods_with_the_type_in_front(
    r#"use std::path::{Path, PathBuf}; pub fn f(a: &mut PathBuf) { PathBuf::push(a, "/w"); Path::join(a, "/w"); }"#,
    false
)]
#[case::the_result_of_an_inlined_function(
    r#"#[inline(always)] fn f() -> &'static str { "/w" }"#,
    true
)]
#[case::a_template_with_the_path(r#"fn f() { format_args!("/w {0}", 1); }"#, true)]
#[case::a_constant_of_a_constant(r#"const A: &str = "/w"; const B: usize = A.len();"#, true)]
#[case::branches(
    r#"fn g(a: &str) {} fn f() -> &str { g(if x { "/w" } else { "b" }); if y { "a" } else if let Some(z) = x { z } else { "/w" } }"#,
    false
)]
#[case::arms(
    r#"fn f() -> &str { match x { Ok(a) => a, Err(_) if b => "/w", Err(_) => { "/w" } } }"#,
    false
)]
#[case::a_branch_in_a_variable(
    r#"fn g(a: &str) {} fn f() { let a = if x { "/w" } else { "b" }; g(a); }"#,
    false
)]
#[case::a_branch_in_a_variable_of_an_unknown_function(
    r#"fn f() { let a = match x { 1 => "/w", _ => "b" }; dep::g(a); }"#,
    true
)]
#[case::a_branch_of_an_unknown_function(
    r#"fn f() { dep::g(if true { "/w" } else { "b" }); }"#,
    true
)]
#[case::an_arm_of_an_unknown_function(r#"fn f() { dep::g(match x { _ => "/w" }); }"#, true)]
#[case::a_method_of_an_arm(r#"fn f() { match x { _ => "/w" }.as_bytes(); }"#, true)]
#[case::a_text_as_a_pattern(r#"fn f() { match x { "/w" => 1, _ => 2 }; }"#, true)]
#[case::a_branch_of_an_inlined_function(
    r#"#[inline(always)] fn f() -> &str { if x { "/w" } else { "b" } }"#,
    true
)]
#[case::a_loop(r#"fn f() { while x { "/w" } }"#, true)]
#[case::a_returned_text(
    r#"fn f() -> &str { if x { return "/w"; } match y { 1 => return Some("/w"), _ => {} } g(|| { return "/w"; }) }"#,
    false
)]
#[case::a_text_that_an_inlined_function_returns(
    r#"fn f() { #[inline(always)] fn g() -> &'static str { return "/w"; } }"#,
    true
)]
#[case::a_comparison_in_a_variable(r#"fn f() { let a = x == "/w"; }"#, true)]
#[case::a_comparison_of_a_branch(r#"fn f() { let a = x != if y { "/w" } else { "b" }; }"#, true)]
#[case::an_assignment_in_a_variable(r#"fn f() { let b; let a = b = "/w"; dep::g(b) }"#, true)]
#[case::an_addition_in_a_variable(r#"fn f() { let a = x += "/w"; }"#, true)]
#[case::a_typed_variable(
    r#"fn g(a: Option<&str>) {} fn f() { let a: Option<&str> = Some("/w"); g(a); }"#,
    false
)]
#[case::an_inner_attribute(
    r#"fn g(a: &str) -> usize { #![inline(always)] a.as_bytes().len() } fn f() { g("/w"); }"#,
    true
)]
#[case::a_text_that_an_inlined_closure_returns(
    r#"fn f() { g(#[inline(always)] |_| { return "/w"; }) }"#,
    true
)]
#[case::an_import_beside_an_inner_module(
    r#"mod a { mod dep { pub fn run(_: &str) {} } } use ::dep::run; fn f() { run("/w"); }"#,
    true
)]
#[case::a_variant_that_is_unwrapped(
    r#"fn f() { let a = Some("/w"); a.unwrap().as_bytes(); }"#,
    true
)]
#[case::a_pattern_of_a_variant(r#"fn f() { let Some(a) = Some("/w"); dep::g(a); }"#, true)]
#[case::a_match_of_a_variant(r#"fn f() { match Some("/w") { Some(a) => a.as_bytes() } }"#, true)]
#[case::tuples(
    r#"fn g(a: (u8, &str)) {} fn f() -> (u8, &str) { g((1, "/w")); let a = [(1, "/w")]; g(&a); g(("/w")); return (1, "/w"); }"#,
    false
)]
#[case::a_tuple_of_an_unknown_function(r#"fn f() { dep::g((1, "/w")); }"#, true)]
#[case::a_field_of_a_tuple(r#"fn f() { let a = (1, "/w"); a.1.as_bytes(); }"#, true)]
#[case::a_pattern_of_a_tuple(r#"fn f() { let (a, b) = (1, "/w"); dep::g(b); }"#, true)]
#[case::a_comparison_of_tuples(r#"fn f() { match (1, "/w") { (a, b) => b.as_bytes() } }"#, true)]
#[case::a_constant_function(
    r#"const fn Length(text: &str) -> usize { 1 } static N: usize = Length("/w");"#,
    true
)]
#[case::a_tuple(
    r#"const C: (&str,) = ("/w",); fn f() { C.0.as_bytes().len(); }"#,
    true
)]
#[case::an_operand(
    r#"const A: &str = "/w"; fn f() { asm!("mov {0}", const A.len()); }"#,
    true
)]
#[case::a_default(
    r#"const A: &str = "/w"; struct B<const N: usize = { A.len() + 7 }>([u8; N]);"#,
    true
)]
#[case::an_import(
    r#"mod a { pub const A: &str = "/w"; } use a::A as B; const N: usize = B.len();"#,
    true
)]
fn what_may_be_computed_is_found(#[case] source: &str, #[case] expected: bool) {
    assert_eq!(
        may_compute_from(source, |text| text.contains("/w"), &OneDependency),
        expected
    );
}
