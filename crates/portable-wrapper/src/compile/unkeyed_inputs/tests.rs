use super::*;

#[test]
fn an_observed_compile_shows_which_variables_macros_read() {
    let mut request = CompileRequest::empty(Language::Rust);
    request.exposed_variables = ["CARGO_MANIFEST_DIR", "OUT_DIR"].map(str::to_owned).into();
    let seen = |variable: &str| Requests {
        variables: [variable.to_owned()].into(),
        ..Requests::default()
    };
    let plain = DepInfo::parse("lib.rmeta: src/lib.rs\n").unwrap();
    let named = "lib.rmeta: src/lib.rs\n\n# env-dep:CARGO_MANIFEST_DIR=/w\n";
    let named = DepInfo::parse(named).unwrap();
    let read = |info: &DepInfo, seen: Option<&Requests>| {
        read_variables(&request, Some(info), seen).join(" ")
    };
    assert_eq!(read(&plain, Some(&seen("CARGO_PKG_NAME"))), "");
    assert_eq!(read(&plain, Some(&seen("OUT_DIR"))), "OUT_DIR");
    let both = "CARGO_MANIFEST_DIR OUT_DIR";
    assert_eq!(read(&named, Some(&seen("OUT_DIR"))), both);
    let of_other = seen("CARGO_PKG_NAME");
    assert_eq!(read(&named, Some(&of_other)), "CARGO_MANIFEST_DIR");
    // What is not known.
    assert_eq!(read(&plain, None), both);
    assert_eq!(read_variables(&request, None, Some(&of_other)).len(), 2);
}

/// `TokenStream::expand_expr` counts as asking for a location.
#[test]
fn what_the_compiler_reads_for_a_macro_is_read() {
    let mut request = CompileRequest::empty(Language::Rust);
    request.exposed_variables = vec!["OUT_DIR".to_owned()];
    let seen = Requests {
        variables: ["OUT_DIR".to_owned()].into(),
        of_compiler: ["OUT_DIR".to_owned()].into(),
        ..Requests::default()
    };
    let plain = DepInfo::parse("lib.rmeta: src/lib.rs\n").unwrap();
    let read = |request: &CompileRequest| read_variables(request, Some(&plain), Some(&seen));
    assert_eq!(read(&request).len(), 0);
    request.exposes_location = true;
    assert_eq!(read(&request), ["OUT_DIR"]);
    request.shows_location = true;
    assert_eq!(read(&request).len(), 0);
}
