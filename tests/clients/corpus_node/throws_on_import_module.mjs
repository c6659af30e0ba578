await null;
throw new RangeError("while loading a module");
