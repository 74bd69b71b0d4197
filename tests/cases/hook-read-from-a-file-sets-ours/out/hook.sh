echo "from the file"
unset RUSTC_WRAPPER
