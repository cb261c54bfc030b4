/** One thing that is wrong with a package. */
export interface PackageFault {
  /** kebab-case name of the rule. */
  rule: string;
  /** Requirement id, such as `13.1.4-4`, where there is one (npm `@cmi5/requirements` lists them). */
  requirement?: string;
  /** Section of the specification, such as `cmi5 13.1.4`. */
  section: string;
  message: string;
  /** What would be right, in words for the one who makes the content. */
  hint: string;
  /** Place in cmi5.xml, from 1. */
  line?: number;
  column?: number;
  /** Entry of the zip, where the fault is there. */
  path?: string;
}
