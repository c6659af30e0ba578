process.exit(6);
