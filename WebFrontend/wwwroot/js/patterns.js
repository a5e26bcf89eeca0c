import { backpressure } from "./pattern-backpressure.js";
import { resilient } from "./pattern-resilient.js";
import { textsOf } from "./text.js";

const text = textsOf(document.getElementById("patterns"));
resilient(text);
backpressure(text);
