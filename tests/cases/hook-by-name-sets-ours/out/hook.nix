wrapper: ''
  export RUSTC_WRAPPER=${wrapper}
''
