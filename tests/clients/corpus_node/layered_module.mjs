import layered from "layered";
import { name } from "layered_module";

export const handler = async () => [layered, name];
