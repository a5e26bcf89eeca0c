import { backpressure } from "./backpressure.js";
import { resilient } from "./resilient-session.js";
import { textsOf } from "../Shared/text.js";

const text = textsOf(document.getElementById("patterns"));
resilient(text);
backpressure(text);
