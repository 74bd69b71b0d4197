echo "from the file"
