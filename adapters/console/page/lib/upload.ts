/** Sends one file's bytes. XMLHttpRequest, because fetch reports no upload progress. */
import { pageWording } from '../../../../src/wording/page.ts'
import type { Upload } from '../../api.ts'
import { ServerFailure, userMessageOf } from './server.ts'

export interface RunningUpload {
  done: Promise<Upload>
  cancel(): void
}

/** Rejects with `ServerFailure`; never settles once cancelled. `onProgress` gets a fraction. */
export function startUpload(uploadId: string, file: File, onProgress: (fraction: number) => void): RunningUpload {
  const request = new XMLHttpRequest()
  const done = new Promise<Upload>((resolve, reject) => {
    request.upload.onprogress = (event) => {
      if (event.lengthComputable && event.total > 0) onProgress(event.loaded / event.total)
    }
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Upload)
      else reject(new ServerFailure(request.status, userMessageOf(request.responseText, request.status)))
    }
    request.onerror = () => reject(new ServerFailure(0, pageWording.problem.uploadInterrupted))
    request.open('PUT', `/console/uploads/${uploadId}?name=${encodeURIComponent(file.name)}`)
    request.setRequestHeader('content-type', file.type === '' ? 'application/octet-stream' : file.type)
    request.send(file)
  })
  return { done, cancel: () => request.abort() }
}
