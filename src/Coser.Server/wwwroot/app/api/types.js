// The shapes that the server speaks in; nothing here runs.

/** @typedef {"queued" | "running" | "paused" | "done" | "failed" | "quarantined" | "cancelled"} JobState */

/**
 * @typedef {object} JobOptions what is asked of a restoration; a member that is absent is the model's choice
 * @property {string} [model]
 * @property {number} [scale]
 * @property {number} [seed]
 * @property {string} [preset]
 * @property {number} [steps]
 * @property {string} [sampler]
 * @property {number} [guidance]
 * @property {string} [prompt]
 * @property {string} [negativePrompt]
 * @property {string} [reference]
 * @property {number} [fidelity]
 * @property {string} [colourFix]
 * @property {string} [format]
 * @property {number} [quality]
 * @property {number} [tile]
 */

/**
 * @typedef {object} JobFile
 * @property {string} role "input", "lr", "pre-sr", "reference", "matches", "result" and what else the server has
 * @property {string} name
 * @property {number} bytes
 * @property {string} url
 * @property {string} viewUrl takes ?size=N
 */

/**
 * @typedef {object} JobOutcome
 * @property {number} inputWidth
 * @property {number} inputHeight
 * @property {number} width
 * @property {number} height
 * @property {number} scale
 * @property {{stage: string, seconds: number}[]} stages
 * @property {string[]} notes
 * @property {number} seconds
 * @property {string} device
 * @property {string} precision
 * @property {number} peakMemory
 */

/**
 * @typedef {object} Job
 * @property {string} id
 * @property {number} sequence
 * @property {string} name
 * @property {JobState} state
 * @property {string} [owner] where the caller sees jobs of others, too
 * @property {number} revision
 * @property {string} created
 * @property {string} [started]
 * @property {string} [finished]
 * @property {JobOptions} options
 * @property {string} [from] the job it was tried again from
 * @property {string} [root] the first job of that chain
 * @property {number} [position]
 * @property {{stage: string, step: number, steps: number, secondsLeft?: number, preview: number}} progress
 * @property {number} attempts
 * @property {string} [reason]
 * @property {number} [width]
 * @property {number} [height]
 * @property {JobOutcome} [outcome]
 * @property {JobFile[]} files
 */

/**
 * @typedef {object} Model
 * @property {string} name
 * @property {number} scale
 * @property {"coser" | "pre-sr"} kind
 * @property {string} title
 * @property {boolean} ready
 * @property {string} [reason] why it is not ready
 * @property {string[]} [controls] members of JobOptions that it listens to
 * @property {{name: string, steps?: number, sampler?: string, guidance?: number}[]} [presets]
 * @property {JobOptions} [defaults]
 * @property {Record<string, [number, number]>} [ranges]
 */

/**
 * @typedef {object} Capabilities
 * @property {string} model
 * @property {Model[]} models
 * @property {{name: string, steps?: number}[]} [presets]
 * @property {string[]} [samplers]
 * @property {string[]} [colourFixes]
 * @property {string[]} [references]
 * @property {string[]} [formats]
 * @property {JobOptions} [defaults]
 * @property {Record<string, [number, number]>} [ranges]
 * @property {{bytes?: number, pixels?: number, queue?: number}} [limits]
 * @property {string} version
 * @property {string} device
 */

export {};
