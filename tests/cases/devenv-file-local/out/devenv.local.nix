{ env.RUSTC_WRAPPER = "sccache"; }
